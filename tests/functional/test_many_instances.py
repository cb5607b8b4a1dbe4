"""A node of ten thousand instances: who uses what is told whole, in little memory."""

import json
import re
import shutil
import unittest
import uuid
from pathlib import Path

from harness import DAY, GIB, MIB, Story, cache_key, tool

INSTANCES = 10_000
IMAGES = 18
DISKS = ("disk", "disk.local", "disk.swap")
MOST_MEMORY = 64 * MIB
BEGINNING = 4096  # of an overlay: its header is all that is read


class ManyInstances(Story):
    def setUp(self) -> None:
        super().setUp()
        self.base.mkdir()
        self.names = [*(cache_key(f"image-{number}") for number in range(IMAGES)), "ephemeral_1_40d1d2c", "swap_512"]
        self.overlays = [self._overlay(self.base / name) for name in self.names]
        for number in range(INSTANCES):
            image = number % IMAGES
            self._make_instance(self.instances_path / str(uuid.UUID(int=number)), (image, IMAGES, IMAGES + 1))

    def _overlay(self, base: Path) -> bytes:
        with open(base, "wb") as file:
            file.truncate(GIB)
        self.grow_old(base, 2 * DAY)
        path = self.scratch / "overlay"
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, path)
        content = path.read_bytes()[:BEGINNING]
        path.unlink()
        return content

    def _make_instance(self, folder: Path, bases: tuple[int, ...]) -> None:
        folder.mkdir()
        for name, base in zip(DISKS, bases):
            (folder / name).write_bytes(self.overlays[base])
        (folder / "disk.info").write_text(json.dumps({str(folder / name): "qcow2" for name in DISKS}))

    def memory_of(self, pid: int) -> int:
        """The most that it ever had in memory."""
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def test_ten_thousand_instances_are_told_whole_in_64_mib(self):
        daemon, client = self.daemon()
        entries = {entry["key"]: entry for entry in client.cache()}
        self.assertEqual(sorted(entries), sorted(self.names))
        self.assertEqual(len(entries["swap_512"]["users"]), INSTANCES)
        self.assertEqual(sum(len(entry["users"]) for entry in entries.values()), INSTANCES * len(DISKS))
        report = client.prune(dry_run=True)
        self.assertEqual((report["removed"], report["unreadable"]), (0, []))
        self.assertEqual(len(report["decisions"]), len(self.names))
        one = next(decision for decision in report["decisions"] if decision["name"] == "swap_512")
        self.assertIn(f"and {INSTANCES - 1} more", one["reason"])
        self.assertLess(self.memory_of(daemon.pid), MOST_MEMORY)

        shutil.rmtree(self.instances_path / str(uuid.UUID(int=0)))
        left = {entry["key"]: len(entry["users"]) for entry in client.cache()}
        self.assertEqual(left["swap_512"], INSTANCES - 1)


if __name__ == "__main__":
    unittest.main()
