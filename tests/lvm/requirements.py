"""What the tests with real LVM need of a machine."""

import os
import shutil

IN_GUEST = "BASECACHE_LVM_GUEST"  # in the environment of what runs in the guest


class Missing(Exception):
    """This machine can't run the tests; says why."""


def require(what: str, *programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Missing(f"{what} isn't installed ({', '.join(missing)}): tools/install-packages.sh lvm")


def require_file(what: str, path: str) -> str:
    if not os.path.exists(path):
        raise Missing(f"there is no {what} ({path}): tools/install-packages.sh lvm")
    return path
