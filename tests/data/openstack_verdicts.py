"""Asks OpenStack's image inspector: openstack_verdicts.py INSPECTOR.PY, names of files on standard input, one a line.

Answers with one line a file: what it is taken for, or "refused: " and why. Loads the inspector by its path, as its
package would bring half of OpenStack along; its two imports (oslo.log, oslo.utils) must be installed for the Python
that runs this.
"""

import importlib.util
import logging
import sys


def load(path: str):
    specification = importlib.util.spec_from_file_location("format_inspector", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def verdict(inspector, name: str) -> str:
    """Nova refuses an image on any exception and when the check doesn't say True (newer ones raise, and say nothing)."""
    try:
        found = inspector.detect_file_format(name)
        if found.safety_check() is False:
            return "refused: safety check"
        return str(found)
    except Exception as error:
        return f"refused: {error!r}"


def main(path: str) -> None:
    logging.disable(logging.CRITICAL)
    inspector = load(path)
    for name in sys.stdin.read().splitlines():
        print(verdict(inspector, name).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
