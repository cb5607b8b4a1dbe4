"""Large images: kill -9 in the middle of a download costs what was under way, not what was there; and the daemon stays
small whatever the size of the image."""

import random
import re
import unittest
from pathlib import Path

import scripted_registry_faults as faults
from harness import GIB, KIB, MIB, creation, eventually, new_uuid, tool
from registry_story import RegistryStory

MOST_MEMORY = 64 * MIB


def sparse_image(path: Path, size: int) -> Path:
    """A file system's worth of holes, and something different at the end of every four MiB."""
    noise = random.Random(size)
    with open(path, "wb") as file:
        file.truncate(size)
        for end in range(4 * MIB, size + 1, 4 * MIB):
            file.seek(end - 64 * KIB)
            file.write(noise.randbytes(64 * KIB))
    return path


class Large(RegistryStory):
    def add_large(self, size: int) -> Path:
        source = sparse_image(self.scratch / "source", size)
        self.image = self.registry.add_image(source, disk_format="raw")
        return source

    def assert_large_fetched(self, source: Path) -> None:
        """As assert_fetched, without the bytes in memory."""
        self.assert_created(self.create(flavor={"root_gb": 2}))
        tool("cmp", source, self.base_file(self.image.id))
        self.assert_nothing_staged()
        self.assertEqual(self.journals(), [])

    def test_kill_at_half_of_a_gibibyte_costs_at_most_a_twentieth(self):
        source = self.add_large(GIB)
        self.start()
        self.script(faults.gated(self.registry.gate(), GIB // 2))
        stream = self.client.create_stream(new_uuid(), creation(self.image.id, 2))
        stream.started()
        staged = self.base_file(self.image.id).with_suffix(".part")
        eventually(lambda: staged.exists() and staged.stat().st_size == GIB // 2, "half of the image",
                   patience=300)  # on a slow disk it syncs on the way, behind all that others have written
        self.running.kill()
        stream.close()
        self.assert_nothing_visible()
        sent_before = self.sent()
        self.start()
        self.assert_large_fetched(source)
        self.assertLessEqual(self.sent() - sent_before, 0.55 * GIB)
        self.assertEqual(self.fetches()[-1].headers.get("range"), f"bytes={GIB // 2}-")

    def test_the_daemon_stays_small_during_two_gibibytes(self):
        source = self.add_large(2 * GIB)
        self.start()
        self.assert_large_fetched(source)
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.running.pid}/status").read_text())
        self.assertLess(int(peak[1]) * KIB, MOST_MEMORY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
