"""The daemon's own life: start, refusal to start, configuration, end."""

import contextlib
import os
import signal
import socket
import subprocess
import unittest

import images
from harness import DAEMON, creation, eventually, new_uuid
from image_server import gated
from image_story import ImageStory


class DaemonLife(ImageStory):
    def refused_start(self, *words: str, config=None, arguments: tuple = ()) -> str:
        command = [str(word) for word in (DAEMON, "--config", config or self.config(), "--socket",
                                          self.scratch / "agent.sock", *arguments)]
        done = subprocess.run(command, env=self.environment(), text=True, capture_output=True, timeout=60)
        self.assertGreater(done.returncode, 0, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def test_it_ends_on_sigterm_and_on_sigint_with_its_socket_gone(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon, client = self.daemon()
            self.assertEqual(client.get("/v1/health").body, {"status": "ok"})
            os.kill(daemon.pid, number)
            self.assertEqual(daemon.wait(), 0)
            self.assertFalse((self.scratch / "agent.sock").exists())

    def test_a_stop_cancels_what_runs_and_leaves_nothing(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))
        daemon, client = self.daemon()
        before = self.tree()
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        gate.wait_reached()
        self.assertEqual(daemon.stop(), 0)
        gate.wait_client_gone()
        self.assertEqual(self.tree(), before)

    def test_a_second_daemon_on_the_same_socket_is_refused(self):
        _, client = self.daemon()
        self.refused_start(str(self.scratch / "agent.sock"))
        self.assertEqual(client.get("/v1/health").body, {"status": "ok"})

    def test_a_file_at_the_socket_path_is_not_touched(self):
        taken = self.scratch / "agent.sock"
        taken.write_text("mine")
        self.refused_start(str(taken))
        self.assertEqual(taken.read_text(), "mine")

    def test_the_socket_of_a_dead_daemon_is_taken_over(self):
        daemon, _ = self.daemon()
        daemon.kill()
        self.assertTrue((self.scratch / "agent.sock").exists())
        _, client = self.daemon()
        self.assertEqual(client.get("/v1/health").body, {"status": "ok"})

    def test_systemd_is_told_when_it_is_ready(self):
        path = self.scratch / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(60)
            self.daemon(wrapper=["env", f"NOTIFY_SOCKET={path}"])
            self.assertIn(b"READY=1", notify.recv(4096))

    def test_no_file_of_its_own_becomes_a_standard_stream_that_was_closed(self):
        closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        daemon, client = self.daemon(wrapper=closed, ready=False)

        def serves() -> bool:
            with contextlib.suppress(OSError):
                return client.get("/v1/health").status == 200
            return False

        eventually(serves, "the daemon serves")
        streams = {os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in range(3)}
        self.assertEqual(streams, {"/dev/null"})

    def test_an_unknown_option_is_refused_with_the_nearest_one(self):
        self.refused_start("force_raw_image", "force_raw_images",
                           config=self.config(DEFAULT={"force_raw_image": "true"}))
        self.refused_start("workers", config=self.config(basecache={"workers": "many"}))
        self.refused_start("missing.conf", config=self.scratch / "missing.conf")

    def test_an_existing_nova_conf_is_read_and_what_is_not_ours_is_ignored(self):
        nova = self.scratch / "nova.conf"
        nova.write_text(f"[DEFAULT]\ntransport_url = rabbit://x\ninstances_path = {self.instances_path}\n"
                        "[libvirt]\nvirt_type = kvm\nimages_type = raw\n[image_cache]\nsubdirectory_name = _cache\n")
        done = subprocess.run([DAEMON, "--nova-conf", nova, "--show-config"], env=self.environment(), text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in (str(self.instances_path), "_cache", "nova.conf"):
            self.assertIn(word, done.stdout)

    def test_staged_files_of_a_dead_builder_go_at_start_and_those_of_a_live_one_stay(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))
        _, client = self.daemon()
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        gate.wait_reached()
        (self.base / ("0" * 40 + ".part")).write_bytes(b"dead")
        (self.base / ("1" * 40 + ".converted")).write_bytes(b"dead")
        self.daemon(socket="second.sock")
        staged = {path for path in self.staged_files() if path.startswith("_base/")}
        base = str(self.base_file(url).relative_to(self.instances_path))
        self.assertEqual(staged, {f"{base}.part", f"{base}.converted"})
        gate.open()
        self.assertEqual(stream.last()["event"], "result")

    def test_connections_beyond_all_limits_are_refused_or_hung_up_on_and_the_agent_goes_on(self):
        _, client = self.daemon()

        def connect():
            try:
                return client.connect_raw()
            except BlockingIOError:
                return None  # as many as the socket itself holds haven't been accepted yet

        idle = [eventually(connect, "a place among those that wait") for _ in range(512)]
        surplus = [eventually(connect, "a place among those that are refused") for _ in range(300)]
        for connection in surplus:
            told = connection.makefile("rb").read()
            self.assertTrue(told == b"" or told.startswith(b"HTTP/1.1 503 "), told)
            connection.close()
        for connection in idle:
            connection.close()
        eventually(lambda: client.get("/v1/health").status == 200, "an answer once they have gone")

    def test_a_peer_that_is_not_listed_is_refused(self):
        daemon, client = self.daemon(self.config(basecache={"socket_mode": "0666", "allowed_uids": "0"}))
        os.chmod(self.scratch, 0o755)
        if os.getuid() != 0:
            self.skipTest("needs root to speak as somebody else")
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-s",
                               "--unix-socket", client.path, "http://x/v1/cache"], text=True, capture_output=True)
        self.assertIn('"forbidden"', done.stdout, done.stderr)
        eventually(daemon.is_ready, "the daemon staying alive")


if __name__ == "__main__":
    unittest.main(verbosity=2)
