"""A real guest starts from a root disk and a config drive of ours, and cloud-init in it finds everything there."""

import signal
import sys
import unittest

from guest_story import GuestStory
from harness import tool


class Qcow2(GuestStory):
    """An overlay, and the config drive as a cdrom; the image comes by HTTP."""

    def image_ref(self) -> str:
        return self.serve(self.image)

    def test_a_guest_on_qcow2_disks_and_a_cdrom_becomes_what_was_asked_for(self):
        disks = self.create()
        report = self.start(disks)
        self.assert_is_what_was_asked_for(report)
        self.assert_has_its_disks(report)
        tool("qemu-img", "check", "-f", "qcow2", disks["disk"]["path"])


class Raw(GuestStory):
    """Raw disks, and a vfat config drive as one of them; the image is a file."""

    images_type = "raw"
    drive_format = "vfat"
    drive_is_cdrom = False
    gzipped = True

    def image_ref(self) -> str:
        return self.local_file(self.image, "debian.qcow2")

    def test_a_guest_on_raw_disks_becomes_what_was_asked_for_by_gzipped_user_data(self):
        report = self.start(self.create())
        self.assert_is_what_was_asked_for(report)
        self.assert_has_its_disks(report)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended and removed
    unittest.main(verbosity=2)
