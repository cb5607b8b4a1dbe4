"""kill -9 of the daemon in every step of a creation: afterwards no staged file remains, no partial base file was ever
visible, and the same request succeeds. But for a download whose server can tell which bytes it sends: what was there
of it stays, and only the rest is asked for."""

import hashlib
import os
import re
import unittest
from pathlib import Path

import images
from base_watch import BaseWatch
from harness import GIB, cache_key, creation, eventually, new_uuid, tool
from image_server import Gate, gated
from killed_daemon import KilledDaemonStory

TAG = '"one"'


def resumable(content: bytes, gate: Gate | None = None):
    """Sends what is asked for of the content, under a strong validator; with a gate, held in the middle."""
    def reply(handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        begin = int(asked[1]) if asked and handler.headers.get("If-Range") == TAG else None
        body = content[begin or 0:]
        place = {} if begin is None else {"Content_Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        handler.head(200 if begin is None else 206, len(body), ETag=TAG, **place)
        middle = len(body) // 2 if gate else len(body)
        handler.wfile.write(body[:middle])
        handler.wfile.flush()
        if gate and not gate.hold(handler.connection):
            return handler.hang_up()
        handler.wfile.write(body[middle:])
    return reply


# System calls between which a crash could leave something half done.
STEPS = ("renameat2", "rename", "fsync", "fdatasync", "fchmod", "mkdir", "linkat", "utimensat")


class Kill(KilledDaemonStory):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.server.url("/image")
        self.uuid = new_uuid()
        self.request = creation(self.url, 1, os_type="linux", config_drive=True,
                                flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16})
        self.base.mkdir()
        self.watch = BaseWatch(self.base)
        self.addCleanup(self.watch.close)

    def assert_recovered(self) -> None:
        """A new daemon finds the place clean and the same request succeeds."""
        self.serve(images.qcow2())
        for path in self.visible_base_files():
            self.assert_complete(path)
        _, client = self.daemon()
        self.assert_nothing_staged()
        disks = self.assert_created(client.create(self.uuid, self.request))
        self.assertEqual(list(disks), ["disk", "disk.local", "disk.swap", "disk.config"])
        self.assert_published(self.url)
        self.assert_same_content(images.raw(), Path(disks["disk"]["path"]), "raw", "qcow2")
        self.assert_clean_disk(disks["disk.local"]["path"], "qcow2", GIB)
        self.assert_nothing_staged()
        self.assertEqual(self.watch.violations(), [])

    def assert_complete(self, path: Path) -> None:
        if path.name == cache_key(self.url):
            self.assert_published(self.url)
        elif path.name.startswith("ephemeral"):
            tool("e2fsck", "-fn", path)
        else:
            self.assertEqual(path.stat().st_size, 16 << 20, path)

    def start_creation(self, client):
        stream = client.create_stream(self.uuid, self.request)
        stream.started()
        return stream

    def test_during_the_download(self):
        gate = self.server.gate()
        self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))
        daemon, client = self.daemon()
        stream = self.start_creation(client)
        gate.wait_reached()
        eventually(self.staged_files, "a staged file")
        daemon.kill()
        stream.close()
        self.assertEqual(self.visible_base_files(), [])
        self.assert_recovered()

    def download_half_and_kill(self, content: bytes) -> Path:
        """A daemon killed when half of that image has arrived; its staged file."""
        gate = self.server.gate()
        self.server.serve("/image", resumable(content, gate))
        daemon, client = self.daemon()
        stream = client.create_stream(self.uuid, creation(self.url, 1))
        stream.started()
        gate.wait_reached()
        staged = self.base / f"{cache_key(self.url)}.part"
        eventually(lambda: staged.exists() and staged.stat().st_size == len(content) // 2, "half of the image")
        daemon.kill()
        stream.close()
        self.assertEqual(self.visible_base_files(), [])
        return staged

    def assert_created_equal(self, client, content: bytes, **demands: str) -> None:
        disks = self.assert_created(client.create(self.uuid, creation(self.url, 1) | demands))
        self.assertEqual(self.base_file(self.url).read_bytes(), content)
        self.assertTrue(Path(disks["disk"]["path"]).is_file())
        self.assert_nothing_staged()
        self.assertEqual(list((self.base / ".basecache" / "transfers").iterdir()), [])
        self.assertEqual(self.watch.violations(), [])

    def test_during_a_download_that_can_be_gone_on_with(self):
        content = os.urandom(8 << 20)
        staged = self.download_half_and_kill(content)
        self.server.serve("/image", resumable(content))
        _, client = self.daemon()
        self.assertTrue(staged.is_file(), "it went when the daemon started again")
        # A digest that the whole is verified by; without one only what is known to be on the disk would count.
        self.assert_created_equal(client, content, checksum="sha512:" + hashlib.sha512(content).hexdigest())
        self.assertEqual(self.server.requests[-1].get("range"), f"bytes={len(content) // 2}-")
        self.assertEqual(self.server.gets["/image"], 2)

    def test_what_changed_at_the_server_since_is_not_mixed_with_what_was_there(self):
        self.download_half_and_kill(os.urandom(8 << 20))
        other = os.urandom(8 << 20)
        self.server.serve("/image", other)
        _, client = self.daemon()
        self.assert_created_equal(client, other)

    def test_what_was_left_of_a_download_can_be_removed(self):
        staged = self.download_half_and_kill(os.urandom(8 << 20))
        self.daemon()
        listed = self.cli("--json", "--socket", self.scratch / "agent.sock", "cache", "prune", "--dry-run")
        self.assertIn(staged.name, [decision["name"] for decision in listed.json["decisions"]])
        removed = self.cli("--json", "--socket", self.scratch / "agent.sock", "cache", "remove", cache_key(self.url))
        self.assertGreaterEqual(removed.json["freed_bytes"], 4 << 20)
        self.assert_nothing_staged()

    def test_during_the_decoding(self):
        content = images.qcow2_zlib().read_bytes()
        gate = self.server.gate()
        self.server.serve("/image", gated(content, gate, len(content) // 2))
        daemon, client = self.daemon()
        stream = self.start_creation(client)
        gate.wait_reached()
        decoding = eventually(lambda: self._child(daemon.pid, "decode-image"), "the decoder running")
        daemon.kill()
        gate.open()
        stream.close()
        eventually(lambda: not Path(f"/proc/{decoding}").exists(), "the decoder ending with its daemon")
        self.assertEqual(self.visible_base_files(), [])
        self.serve(images.qcow2_zlib())
        self.assert_recovered()
        self.assert_published(self.url)
        self.assertEqual(self.watch.violations(), [])

    def test_during_the_conversion(self):
        self.serve(images.vmdk())
        daemon, client = self.daemon(path=self.path_of_slow_qemu_img())
        stream = self.start_creation(client)
        converting = self.slow_conversion(daemon)
        daemon.kill()
        stream.close()
        eventually(lambda: not Path(f"/proc/{converting}").exists(), "the conversion ending with its daemon")
        self.assertEqual(self.visible_base_files(), [])
        self.assert_recovered()
        self.assert_published(self.url)
        self.assertEqual(self.watch.violations(), [])

    def test_at_each_system_call_of_publishing(self):
        killed = 0
        for call in STEPS:
            for number in range(1, 8):
                with self.subTest(f"{call} {number}"):
                    if not self._killed_at(call, number):
                        break
                    killed += 1
        self.assertGreaterEqual(killed, 5, "the creation was hardly ever killed: look at STEPS")

    def _killed_at(self, call: str, number: int) -> bool:
        """One creation on an empty cache, killed at that call, or a program that it runs; False when it ended before."""
        self.serve(images.qcow2())
        self.uuid = new_uuid()
        answers = []
        died = self.killed_at(call, number, lambda client: answers.append(client.create(self.uuid, self.request)))
        self.assert_recovered()
        self._empty()
        return died or answers[0].status != 200

    def _empty(self) -> None:
        daemon = self.daemons.pop()
        daemon.stop()
        for path in [*self.base.iterdir(), *self.instances_path.glob("*-*-*")]:
            tool("rm", "-rf", path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
