"""A create whose base files are all there: what it starts."""

import re
import shutil
import time
import unittest

import images
from harness import creation, eventually, new_uuid
from image_story import ImageStory

DISKS = {"flavor": {"root_gb": 1, "ephemeral_gb": 1, "swap": 16}, "config_drive": True}


class WarmCreate(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("no strace: tools/install-packages.sh test")
        self.trace = self.scratch / "trace"
        _, self.client = self.daemon(
            wrapper=["strace", "-D", "-f", "-ttt", "-qq", "-e", "signal=none", "-e", "trace=execve,vfork,fork", "-o", self.trace])

    def started(self) -> list[tuple[float, str]]:
        """When a process was started, and the system call."""
        lines = re.findall(r"^\d+ +([\d.]+) (.*)$", self.trace.read_text(), re.MULTILINE)
        return [(float(when), call) for when, call in lines]

    def create(self, url: str, images_type: str) -> None:
        answer = self.client.create(new_uuid(), creation(url, images_type=images_type, **DISKS))
        self.assertEqual(len(self.assert_created(answer)), 4)

    def test_it_starts_no_process(self):
        # Not a bare ext file system: that is grown with a raw disk, by its own tools.
        url = self.serve(images.other_raw())
        for images_type in ("qcow2", "raw"):
            self.create(url, images_type)
        begin = time.time()
        for images_type in ("qcow2", "raw"):
            self.create(url, images_type)
        end = time.time()
        # What starts one for certain, to see that the trace has come as far.
        self.client.request("POST", "/v1/cache/images", {"image_ref": self.serve(images.qcow2_zlib(), "/cold")})
        eventually(lambda: any(when > end for when, _ in self.started()), "the trace tells of a process of a cold create")
        self.assertEqual([call for when, call in self.started() if begin <= when <= end], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
