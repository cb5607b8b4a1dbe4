"""The file systems that are measured: the scratch directory's own, XFS with reflink in a loop file, tmpfs.

Mounts are made in this process's own mount namespace: they end with it, however it ends, and the loop device with them.
"""

import contextlib
import os
import re
import subprocess
import unittest
from pathlib import Path
from typing import Iterator, NamedTuple

from harness import GIB, tool
from loop_file_system import enter_private_mounts

NAMES = ("ext4", "xfs", "tmpfs")
SPARE_MEMORY = 3 * GIB  # for everything but the files of a tmpfs


class Place(NamedTuple):
    name: str
    path: Path

    @property
    def can_share_blocks(self) -> bool:
        return self.name == "xfs"


class Unsuitable(Exception):
    """This machine can't provide that place; why."""


def private_mounts() -> str:
    """For this process, once. Why not, or nothing."""
    if os.getuid() != 0:
        return "mounting needs root"
    try:
        enter_private_mounts()
        return ""
    except unittest.SkipTest as why:
        return str(why)


@contextlib.contextmanager
def place(name: str, scratch: Path, size: int) -> Iterator[Place]:
    """An empty directory on such a file system with room for that many bytes."""
    folder = scratch / name
    folder.mkdir(parents=True)
    try:
        with {"ext4": _scratch_itself, "xfs": _loop_xfs, "tmpfs": _memory}[name](folder, size):
            (folder / "work").mkdir()
            yield Place(name, folder / "work")
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


@contextlib.contextmanager
def _scratch_itself(folder: Path, size: int) -> Iterator[None]:
    kind = tool("stat", "--file-system", "--format=%T", folder).strip()
    if not kind.startswith("ext"):
        raise Unsuitable(f"the scratch directory is on {kind}: give one on ext4 with --scratch")
    _require_space(folder, size)
    yield


@contextlib.contextmanager
def _loop_xfs(folder: Path, size: int) -> Iterator[None]:
    _require_space(folder.parent, size)
    disk = folder.with_suffix(".disk")
    with open(disk, "wb") as file:
        file.truncate(size + GIB)  # its log and tables
    try:
        tool("mkfs.xfs", "-q", "-m", "reflink=1", disk)
        device = tool("losetup", "--find", "--show", "--direct-io=on", disk).strip()  # nothing is cached twice, as on a real disk
        try:
            with _mounted(folder, device):
                tool("losetup", "--detach", device)  # as soon as it isn't mounted any more, whoever unmounts it
                yield
        finally:
            subprocess.run(["losetup", "--detach", device], capture_output=True)  # where mount failed
    finally:
        disk.unlink()


@contextlib.contextmanager
def _memory(folder: Path, size: int) -> Iterator[None]:
    available = int(re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())[1]) * 1024
    if available < size + SPARE_MEMORY:
        raise Unsuitable(f"{available / GIB:.1f} GiB of memory are free, {(size + SPARE_MEMORY) / GIB:.1f} GiB are needed")
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield


@contextlib.contextmanager
def _mounted(folder: Path, *options: object) -> Iterator[None]:
    tool("mount", *options, folder)
    try:
        yield
    finally:
        tool("umount", folder)


def _require_space(folder: Path, size: int) -> None:
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < size:
        raise Unsuitable(f"{folder} has {free.f_bavail * free.f_frsize / GIB:.1f} GiB free, {size / GIB:.1f} GiB are needed")
