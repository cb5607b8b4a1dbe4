"""What confined programs may do, and what others may do to their files."""

import os
import subprocess
import unittest
from pathlib import Path

import images
from harness import cache_key, creation, eventually, new_uuid
from image_story import ImageStory

NOBODY = 65534
NO_ACCOUNTS = range(0x70000000, 0x80000000)  # https://systemd.io/UIDS-GIDS/


@unittest.skipUnless(os.geteuid() == 0, "only root's programs are somebody else")
class AsRoot(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.serve(images.qcow2())

    def start_slow_conversion(self, **options) -> int:
        """Of an image that is being cached; the process."""
        self.agent, client = self.daemon(path=self.path_of_slow_qemu_img(), **options)
        self.stream = client.create_stream(new_uuid(), creation(self.url, 1))
        self.operation = self.stream.started()
        self.client = client
        return self.slow_conversion(self.agent)

    def assert_ends(self, pid: int) -> None:
        eventually(lambda: not Path(f"/proc/{pid}").exists(), "the conversion ending")

    def test_what_is_lent_to_a_conversion_is_lent_to_no_other_process(self):
        converting = self.start_slow_conversion()
        staged = [self.base / f"{cache_key(self.url)}.{ending}" for ending in ("part", "converted")]
        for path in staged:
            with self.subTest(path.name):
                status = path.stat()
                self.assertIn(status.st_uid, NO_ACCOUNTS)
                self.assertIn(status.st_gid, NO_ACCOUNTS)
                self.assertEqual(status.st_uid, Path(f"/proc/{converting}").stat().st_uid)
                opened = subprocess.run(["python3", "-c", f"open({str(path)!r}, 'rb')"], text=True, capture_output=True,
                                        user=NOBODY, group=NOBODY, extra_groups=[])
                self.assertIn("PermissionError", opened.stderr)

    def test_what_a_killed_daemon_had_lent_is_its_successors_again(self):
        converting = self.start_slow_conversion()
        self.agent.kill()
        self.assert_ends(converting)
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))
        self.assertEqual(self.assert_published(self.url).stat().st_uid, os.geteuid())
        self.assert_nothing_staged()

    def test_a_cancelled_conversion_is_killed(self):
        converting = self.start_slow_conversion()
        self.client.cancel(self.operation)
        self.assert_ends(converting)
        self.assertEqual(self.stream.last()["event"], "error")
        self.assert_nothing_staged()


if __name__ == "__main__":
    unittest.main(verbosity=2)
