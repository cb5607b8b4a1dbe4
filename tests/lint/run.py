#!/usr/bin/env python3
"""Checks the source tree against one rule, or all: run.py ROOT [RULE...]. One offence a line; exit 1 when there is any."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from rules import RULES  # noqa: E402
from tree import Tree  # noqa: E402


def main(arguments: list[str]) -> int:
    if not arguments or any(name not in RULES for name in arguments[1:]):
        print(f"usage: run.py ROOT [{'|'.join(RULES)}]...", file=sys.stderr)
        return 2
    tree = Tree(Path(arguments[0]))
    offences = [offence for name in arguments[1:] or RULES for offence in RULES[name](tree)]
    for offence in sorted(offences):
        print(offence)
    print(f"{len(offences)} offences in {len(tree.files)} files", file=sys.stderr)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
