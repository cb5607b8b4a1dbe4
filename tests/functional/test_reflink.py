"""Raw disks on a file system that can share blocks (XFS): a disk begins as a clone of its base file."""

import unittest
from pathlib import Path

import images
from harness import GIB, MIB, creation, new_uuid, tool
from loop_file_system import LoopFileSystem


class Reflink(LoopFileSystem):
    def setUp(self) -> None:
        super().setUp()
        self.mount(512 * MIB, "mkfs.xfs", "-q", "-m", "reflink=1")

    def test_a_raw_disk_shares_its_blocks_with_its_base_file(self):
        _, client = self.daemon(self.config(libvirt={"images_type": "raw"}))
        url = self.serve(images.other_raw())
        disk = Path(self.assert_created(client.create(new_uuid(), creation(url, 1)))["disk"]["path"])
        self.assertEqual(disk.stat().st_size, GIB)
        extents = [line for line in tool("filefrag", "-v", disk).splitlines() if line.strip()[:1].isdigit()]
        self.assertTrue(extents)
        for extent in extents:
            self.assertIn("shared", extent)
        self.assert_published(url, images.other_raw())
        self.assertEqual(disk.read_bytes()[:8 * MIB], images.other_raw().read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
