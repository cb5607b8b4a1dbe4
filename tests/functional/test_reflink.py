"""Raw disks on a file system that can share blocks (XFS): a disk begins as a clone of its base file."""

import unittest
from pathlib import Path

import images
from harness import GIB, MIB, cache_key, creation, new_uuid, tool
from loop_file_system import LoopFileSystem


class Reflink(LoopFileSystem):
    def setUp(self) -> None:
        super().setUp()
        self.mount(512 * MIB, "mkfs.xfs", "-q", "-m", "reflink=1")

    def assert_shared(self, file: Path) -> None:
        extents = [line for line in tool("filefrag", "-v", file).splitlines() if line.strip()[:1].isdigit()]
        self.assertTrue(extents)
        for extent in extents:
            self.assertIn("shared", extent)

    def test_a_raw_disk_shares_its_blocks_with_its_base_file(self):
        _, client = self.daemon(self.config(libvirt={"images_type": "raw"}))
        url = self.serve(images.other_raw())
        disk = Path(self.assert_created(client.create(new_uuid(), creation(url, 1)))["disk"]["path"])
        self.assertEqual(disk.stat().st_size, GIB)
        self.assert_shared(disk)
        self.assert_published(url, images.other_raw())
        self.assertEqual(disk.read_bytes()[:8 * MIB], images.other_raw().read_bytes())

    def test_a_base_file_shares_its_blocks_with_the_raw_file_that_it_is_made_of(self):
        folder = self.instances_path / "files"
        folder.mkdir()
        image = folder / "image.raw"
        image.write_bytes(images.other_raw().read_bytes())
        tool("sync", image)
        _, client = self.daemon(self.config(basecache={"file_url_directories": folder}))
        url = f"file://{image}"
        answer = client.create(new_uuid(), creation(url, 1))
        self.assert_created(answer)
        self.assert_shared(self.assert_published(url, image))
        self.assertIsNone(client.get(f"/v1/cache/{cache_key(url)}").body["source_digest"])  # nobody asked for one


if __name__ == "__main__":
    unittest.main(verbosity=2)
