"""What tests need of a machine beyond what everything needs."""

import os
import shutil

# Who became root by su may be without the places of root's programs.
os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


class Missing(Exception):
    """This machine can't run the tests; says why."""


def require(group: str, what: str, *programs: str) -> None:
    """The programs are installed; else Missing names the group of packages that has them."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Missing(f"{what} isn't installed ({', '.join(missing)}): tools/install-packages.sh {group}")


def require_file(group: str, what: str, path: str) -> str:
    if not os.path.exists(path):
        raise Missing(f"there is no {what} ({path}): tools/install-packages.sh {group}")
    return path
