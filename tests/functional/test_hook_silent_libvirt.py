"""A libvirt that takes questions and never answers them, as it does while it waits for its hook: who isn't to ask it doesn't,
and who has asked holds up nobody."""

import contextlib
import random
import socket
import subprocess
import unittest
from ctypes.util import find_library

from harness import CLI, MIB, PATIENCE, cache_key, creation, eventually, new_uuid
from hook_story import HookStory
from image_server import gated, whole

CONNECTIONS = 256  # that the agent serves at once: Server::kMostConnections
# Less than what an unanswered question takes to end by itself: LibvirtSettings::patience is 30 s.
DEADLINE = 20


@unittest.skipUnless(find_library("virt"), "libvirt's library isn't installed")
class SilentLibvirt(HookStory):
    options: dict = {}

    def setUp(self) -> None:
        super().setUp()
        self.libvirt = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.libvirt.close)
        self.libvirt.bind(str(self.scratch / "silent"))
        self.libvirt.listen(2 * CONNECTIONS)
        self.node = self.hook_config(
            {"connection_uri": f"qemu+unix:///system?socket={self.scratch}/silent"}, domains="libvirt",
            cache_max_bytes="6MiB", hook_deadline=DEADLINE, **self.options)
        self.agent, self.client = self.daemon(self.node)
        self.old_url = self.serve_noise("old", 4)
        self.old = self.base / cache_key(self.old_url)
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": self.old_url})
        self.assertEqual(answer.status, 200, answer.body)
        self.grow_old(self.old)

    def serve_noise(self, name: str, mebibytes: int) -> str:
        return self.server.serve(f"/{name}", whole(random.Random(name).randbytes(mebibytes * MIB)))

    def asked(self) -> socket.socket:
        """Somebody's connection, once there is one."""
        self.libvirt.settimeout(PATIENCE)
        connection, _ = self.libvirt.accept()
        self.addCleanup(connection.close)
        return connection

    def assert_nobody_asked(self) -> None:
        """Since the last one that was taken. A question whose asker has left is still there."""
        self.libvirt.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.libvirt.accept()

    def start_cli(self, *arguments: object) -> subprocess.Popen:
        command = [str(word) for word in (CLI, "--config", self.node, *arguments)]
        process = subprocess.Popen(command, env=self.environment(), text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process


class Starts(SilentLibvirt):
    def test_while_a_start_waits_nobody_asks_libvirt(self):
        gate = self.server.gate()
        slow = self.server.serve("/slow", gated(random.Random("slow").randbytes(MIB), gate))
        waiting = self.start_hook(self.our_domain(new_uuid(), creation(slow)))
        gate.wait_reached()
        needs_room = creation(self.serve_noise("new", 4))
        self.assert_refused(self.hook(self.our_domain(new_uuid(), needs_room)), "more are needed")
        self.assert_problem(self.client.create(new_uuid(), needs_room), 507, "no_space")
        self.assertNotEqual(self.client.get("/v1/cache").body["usage_unknown"], [])
        self.assert_nobody_asked()
        gate.open()
        self.assert_goes_on(self.ended(waiting))
        self.assert_nobody_asked()
        self.start_cli("cache", "prune")
        self.asked()

    def test_a_start_goes_on_beside_a_removal_of_its_image_that_asks_libvirt(self):
        for way in (("--socket", self.scratch / "agent.sock"), ("--standalone",)):
            with self.subTest(way=way[0]):
                removal = self.start_cli(*way, "cache", "remove", self.old.name)
                asking = self.asked()
                uuid = new_uuid()
                self.assert_goes_on(self.hook(self.our_domain(uuid, creation(self.old_url))))
                self.assertTrue(self.disk(uuid).exists())
                self.assertIsNone(removal.poll())
                asking.close()
                self.refuse_until_ended(removal)
                self.assertNotEqual(removal.returncode, 0)
                self.assertTrue(self.old.exists())
        self.assertEqual(self.server.gets["/old"], 1)

    def refuse_until_ended(self, process: subprocess.Popen) -> None:
        """Hangs up on whoever asks again."""
        self.libvirt.setblocking(False)

        def has_ended() -> bool:
            with contextlib.suppress(BlockingIOError):
                self.libvirt.accept()[0].close()
            return process.poll() is not None

        eventually(has_ended, "the removal's end")


class Builds(SilentLibvirt):
    """A build that needs room, for which it asks libvirt. It would wait longer than the hook does."""

    options = {"build_concurrency": 1}

    def prepare_beforehand(self, uuid: str, request: dict) -> None:
        stream = self.client.stream("POST", f"/v1/domains/{uuid}/prepare",
                                    {"name": "web01", "request": request, "beforehand": True})
        self.addCleanup(stream.close)
        self.asked()

    def test_a_start_that_joins_the_build_ends_its_wait_for_libvirt(self):
        uuid, request = new_uuid(), creation(self.serve_noise("new", 4))
        self.prepare_beforehand(uuid, request)
        self.assert_refused(self.hook(self.our_domain(uuid, request)), "more are needed")

    def test_a_start_for_another_image_gets_the_thread_that_the_build_has(self):
        self.prepare_beforehand(new_uuid(), creation(self.serve_noise("new", 4)))
        uuid = new_uuid()
        self.assert_goes_on(self.hook(self.our_domain(uuid, creation(self.serve_noise("small", 1)))))
        self.assertTrue(self.disk(uuid).exists())


class Listings(SilentLibvirt):
    def test_as_many_as_are_served_at_once_make_place_by_leaving(self):
        listing = [self.client.connect_raw() for _ in range(CONNECTIONS)]
        for connection in listing:
            self.addCleanup(connection.close)
            connection.sendall(b"GET /v1/cache HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in listing:
            self.asked()
        for connection in listing:
            connection.close()
        with self.client.connect_raw() as another:
            another.settimeout(DEADLINE)
            another.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", another.recv(4096))
        eventually(lambda: not self.agent.children(), "the end of all that ask libvirt")


if __name__ == "__main__":
    unittest.main(verbosity=2)
