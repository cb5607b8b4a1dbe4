"""What programs that aren't ours say of one disk: a raw file or a block device. Failures are AssertionErrors.

Nothing here writes to the disk. Of a disk in another format, hand over a raw copy.
"""

import os
import shutil
from pathlib import Path

from harness import tool

FORMATS = ("ext2", "ext3", "ext4", "xfs", "vfat", "ntfs", "swap")
MAKERS = {"swap": "mkswap", **{name: f"mkfs.{name}" for name in FORMATS if name != "swap"}}
# What a file system's own program finds wrong. ntfsfix reads the disk as the kernel's driver would, with -n only that.
CHECKS = {"ext2": ("e2fsck", "-fn"), "ext3": ("e2fsck", "-fn"), "ext4": ("e2fsck", "-fn"), "xfs": ("xfs_repair", "-n"),
          "vfat": ("fsck.vfat", "-n"), "ntfs": ("ntfsfix", "-n"), "swap": ("swaplabel",)}
TOOLS = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def is_installed(program: str) -> bool:
    return shutil.which(program, path=TOOLS) is not None


def run(*command) -> str:
    return tool(*command, env={"PATH": TOOLS, "LC_ALL": "C.UTF-8"})


def tag(name: str, disk: Path) -> str:
    """What blkid finds on the disk itself, never in its cache: TYPE, LABEL, UUID. Empty when there is none."""
    return run("blkid", "-p", "-s", name, "-o", "value", disk).strip()


def check_formatted(disk: Path, file_system: str, label: str | None = None) -> None:
    """The disk holds that file system (or swap), with that label, and its own program finds nothing wrong with it. A
    program that isn't installed isn't asked."""
    found = (tag("TYPE", disk), tag("LABEL", disk) if label is not None else None)
    if found != (file_system, label):
        raise AssertionError(f"{disk} holds {found}, not {(file_system, label)}")
    program, *options = CHECKS[file_system]
    if file_system == "xfs" and Path(disk).is_file():
        options.append("-f")
    if is_installed(program):
        run(program, *options, disk)


def check_file_system_fills(disk: Path, size: int) -> None:
    """The disk is one sound ext2/3/4 file system of nearly that size."""
    run("e2fsck", "-fn", disk)
    header = run("dumpe2fs", "-h", disk)
    told = dict(line.split(":", 1) for line in header.splitlines() if ":" in line)
    found = int(told["Block count"]) * int(told["Block size"])
    if not size * 9 // 10 < found <= size:
        raise AssertionError(f"the file system on {disk} has {found} bytes of {size}")
