"""The lock files shared with Nova: a Python process with fcntl.lockf, as oslo.concurrency takes them, and the agent."""

import fcntl
import os
import unittest

import images
from harness import cache_key, creation, eventually, new_uuid
from image_server import gated
from image_story import ImageStory


class NovaLock:
    """What Nova holds while it works on a base file."""

    def __init__(self, path):
        path.parent.mkdir(exist_ok=True)
        self._file = open(path, "a")  # as fasteners opens it
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        self._file.close()


class NovaLocks(ImageStory):
    def lock_path(self, url: str):
        return self.instances_path / "locks" / f"nova-{cache_key(url)}"

    def wait_until_lock_is_wanted(self, daemon, path) -> None:
        """The agent has the lock file open: it has tried, and tries again until it gets it."""
        def wanted() -> bool:
            for descriptor in os.listdir(f"/proc/{daemon.pid}/fd"):
                try:
                    if os.readlink(f"/proc/{daemon.pid}/fd/{descriptor}").split(" (deleted)")[0] == str(path):
                        return True
                except FileNotFoundError:
                    pass
            return False
        eventually(wanted, f"the agent opening {path}")

    def test_the_agent_waits_for_nova(self):
        url = self.serve(images.qcow2())
        daemon, client = self.daemon()
        nova = NovaLock(self.lock_path(url))
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        self.wait_until_lock_is_wanted(daemon, self.lock_path(url))
        self.assertEqual(self.server.gets["/image"], 0)
        self.assertEqual(len(client.operations()), 1)
        nova.release()
        event = stream.last()
        self.assertEqual(event["event"], "result", event)
        self.assert_published(url)

    def test_a_caller_that_waits_for_nova_can_leave(self):
        url = self.serve(images.qcow2())
        daemon, client = self.daemon()
        before = self.tree()
        nova = NovaLock(self.lock_path(url))
        self.addCleanup(nova.release)
        stream = client.create_stream(new_uuid(), creation(url))
        operation = stream.started()
        self.wait_until_lock_is_wanted(daemon, self.lock_path(url))
        client.cancel(operation)
        self.assertEqual(stream.last()["problem"]["status"], 499)
        self.assertEqual(self.server.gets["/image"], 0)
        self.assertEqual(self.tree(), before)

    def test_nova_waits_for_the_agent(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))
        _, client = self.daemon()
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        gate.wait_reached()
        with self.assertRaises(BlockingIOError):
            NovaLock(self.lock_path(url))
        gate.open()
        self.assertEqual(stream.last()["event"], "result")
        NovaLock(self.lock_path(url)).release()

    def test_a_lock_file_that_is_unlinked_while_waited_for_is_not_trusted(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))
        daemon, client = self.daemon()
        path = self.lock_path(url)
        nova = NovaLock(path)
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        self.wait_until_lock_is_wanted(daemon, path)
        path.unlink()  # as Nova's prune does, with its lock held
        nova.release()
        gate.wait_reached()
        with self.assertRaises(BlockingIOError):
            NovaLock(path)  # what stands at the path now is what the agent holds
        gate.open()
        self.assertEqual(stream.last()["event"], "result")
        self.assert_published(url)

    def test_what_nova_publishes_while_the_agent_waits_is_used(self):
        url = self.serve(images.qcow2())
        daemon, client = self.daemon()
        nova = NovaLock(self.lock_path(url))
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        self.wait_until_lock_is_wanted(daemon, self.lock_path(url))
        self.base_file(url).write_bytes(images.raw().read_bytes())
        nova.release()
        event = stream.last()
        self.assertEqual(event["event"], "result", event)
        self.assertEqual(self.server.gets["/image"], 0)
        self.assert_same_content(images.raw(), event["result"]["disks"][0]["path"], "raw", "qcow2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
