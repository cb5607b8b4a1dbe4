"""The guest's image is made once, and of the machine's own package sources."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import guest_image
import package_sources
from harness import tool
from requirements import Missing

LINES = """# a comment
deb http://mirror/debian bookworm main contrib
deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror/security bookworm-security main # behind it
deb-src http://mirror/debian bookworm main
deb http://mirror/debian bookworm-extra contrib
deb https://elsewhere/apt cloud-sdk-bookworm main
"""
STANZAS = """Types: deb deb-src
# where it comes from
URIs: http://mirror/debian
Suites: bookworm bookworm-updates trixie
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://elsewhere/apt
Suites: nodistro
Components: main

Types: deb
URIs: http://off/debian
Suites: bookworm
Components: main
Enabled: no
"""


class GuestImage(unittest.TestCase):
    def test_package_sources_are_debians_own_of_this_release(self):
        for text, stanzas, expected in (
                (LINES, False, ["deb http://mirror/debian bookworm main",
                                "deb [signed-by=/keys/debian.gpg] http://mirror/security bookworm-security main"]),
                (STANZAS, True, ["deb [signed-by=/keys/debian.gpg] http://mirror/debian bookworm main",
                                 "deb [signed-by=/keys/debian.gpg] http://mirror/debian bookworm-updates main"])):
            with self.subTest(stanzas=stanzas):
                self.assertEqual([source.line for source in package_sources.sources_of(text, stanzas, "bookworm")], expected)

    def test_a_mirror_that_does_not_answer_is_a_reason_to_skip_and_is_named(self):
        source = package_sources.Source("http://127.0.0.1:1/debian", "bookworm", "")
        with tempfile.TemporaryDirectory() as scratch, mock.patch.object(package_sources, "of_this_machine", return_value=[source]):
            with self.assertRaisesRegex(Missing, "no Debian mirror answers.*http://127.0.0.1:1/debian/dists/bookworm/InRelease"):
                guest_image.reached_sources(Path(scratch))
        with mock.patch.object(package_sources, "of_this_machine", return_value=[]):
            with self.assertRaisesRegex(Missing, "no package sources"):
                guest_image.reached_sources(Path(scratch))

    def test_the_image_is_a_disk_with_one_partition_and_is_made_once(self):
        try:
            image = guest_image.prepared()
        except Missing as missing:
            self.skipTest(str(missing))
        told = json.loads(tool("qemu-img", "info", "--output=json", "-f", "qcow2", image))
        self.assertEqual(told["virtual-size"], guest_image.DISK_SIZE)
        before = image.stat()
        self.assertEqual(guest_image.prepared(), image)
        self.assertEqual((image.stat().st_ino, image.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns))
        self.assertEqual(sorted(path.name for path in guest_image.DIRECTORY.iterdir()), sorted([image.name, "lock"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
