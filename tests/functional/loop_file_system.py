"""A story whose instances_path is a file system of its own, in a loop file. Needs root."""

import ctypes
import os
import subprocess
import unittest

from harness import tool
from image_story import ImageStory

CLONE_NEWNS = 0x00020000


def enter_private_mounts() -> None:
    """Mounts of this process are seen by itself and its children only and end with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest(f"this machine lets nobody mount: {os.strerror(ctypes.get_errno())}")
    tool("mount", "--make-rprivate", "/")


@unittest.skipUnless(os.getuid() == 0, "mounting needs root")
class LoopFileSystem(ImageStory):
    @classmethod
    def setUpClass(cls) -> None:
        enter_private_mounts()

    def mount(self, size: int, *mkfs: str) -> None:
        """Makes it with that command; skips the story where the kernel can't mount it."""
        disk = self.scratch / "disk.img"
        with open(disk, "wb") as file:
            file.truncate(size)
        tool(*mkfs, disk)
        mounted = subprocess.run(["mount", "-o", "loop", disk, self.instances_path], text=True, capture_output=True)
        if "unknown filesystem type" in mounted.stderr or "loop device" in mounted.stderr:
            self.skipTest(f"this machine can't mount {mkfs[0].removeprefix('mkfs.')} from a file: {mounted.stderr.strip()}")
        self.assertEqual(mounted.returncode, 0, mounted.stderr)
        self.addCleanup(tool, "umount", "--lazy", self.instances_path)
