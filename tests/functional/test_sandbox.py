"""What confined programs may do, what others may do to their files, and what it takes to confine them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import images
import service_unit
from harness import DAEMON, MIB, cache_key, creation, eventually, new_uuid, tool
from image_server import gated
from image_story import ImageStory

NOBODY = 65534
NO_ACCOUNTS = range(0x70000000, 0x80000000)  # https://systemd.io/UIDS-GIDS/


@unittest.skipUnless(os.geteuid() == 0, "only root's programs are somebody else")
class AsRoot(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.serve(images.vmdk())  # which qemu-img converts

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

    def with_users(self, count: int) -> list:
        wrapper = [sys.executable, Path(__file__).with_name("few_users.py"), str(count)]
        tried = subprocess.run([*wrapper, "true"], text=True, capture_output=True)
        if tried.returncode != 0:
            self.skipTest(f"this machine has no user namespaces for us: {tried.stderr.strip()}")
        return wrapper

    def test_where_users_are_few_a_reader_is_nobody_and_the_daemon_says_so(self):
        converting = self.start_slow_conversion(wrapper=self.with_users(65536))
        self.assertIn("event=sandbox_incomplete", self.agent.text())
        self.assertIn("in its user namespace", self.agent.text())
        self.assertEqual(Path(f"/proc/{converting}").stat().st_uid, NOBODY)

    def test_where_there_is_no_other_user_a_reader_is_who_the_daemon_is(self):
        agent, client = self.daemon(wrapper=self.with_users(1))
        self.assertRegex(agent.text(), "event=sandbox_incomplete .*any other user")
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))

    def test_a_daemon_that_may_not_make_others_of_its_programs_says_so_and_can_still_end_them(self):
        few = [name for name in service_unit.capabilities() if name not in ("setuid", "setgid", "kill")]
        converting = self.start_slow_conversion(wrapper=service_unit.with_capabilities(few))
        self.assertRegex(self.agent.text(), "event=sandbox_incomplete .*CAP_SETUID")
        self.assertEqual(Path(f"/proc/{converting}").stat().st_uid, 0)
        self.client.cancel(self.operation)
        self.assert_ends(converting)
        self.stream.last()
        self.agent.stop()
        _, client = self.daemon(wrapper=service_unit.with_capabilities(few))
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))

    def test_what_the_sandbox_lacks_is_told_once_and_in_the_status_and_can_be_forbidden(self):
        wrapper = service_unit.with_capabilities(["chown", "dac_override", "fowner"])
        agent, client = self.daemon(wrapper=wrapper)
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))
        self.assertEqual(agent.text().count("event=sandbox_incomplete"), 1)
        status = self.cli("--socket", self.scratch / "agent.sock", "status")
        self.assertRegex(status.out, "the sandbox lacks .*CAP_SETUID")
        agent.stop()
        required = self.config("required.conf", basecache={"sandbox": "required"})
        done = subprocess.run([*wrapper, DAEMON, "--config", required, "--socket", self.scratch / "agent.sock"],
                              env=self.environment(), text=True, capture_output=True, timeout=60)
        self.assertGreater(done.returncode, 0)
        self.assertRegex(done.stderr, "sandbox is required, and this host lacks .*CAP_SETUID")
        _, client = self.daemon(required)  # with all of it
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))

    def test_the_units_capabilities_are_enough(self):
        wrapper = service_unit.with_capabilities(service_unit.capabilities())
        agent, client = self.daemon(wrapper=wrapper)
        self.assert_created(client.create(new_uuid(), creation(self.url, 1)))
        self.assertNotIn("sandbox_incomplete", agent.text())

    def test_the_units_capabilities_are_enough_to_kill_a_conversion(self):
        converting = self.start_slow_conversion(wrapper=service_unit.with_capabilities(service_unit.capabilities()))
        self.client.cancel(self.operation)
        self.assert_ends(converting)
        self.assertEqual(self.stream.last()["event"], "error")

    def test_the_unit_allows_every_system_call_of_the_daemon_and_its_programs(self):
        for program, package in (("strace", "strace"), ("systemd-analyze", "systemd")):
            if not shutil.which(program):
                self.skipTest(f"{package} isn't installed (tools/install-packages.sh test)")
        trace = self.scratch / "trace"
        agent, client = self.daemon(wrapper=["strace", "-f", "-qq", "-e", "signal=none", "-o", trace])
        request = creation(self.url, 1, os_type="linux", config_drive=True,
                           flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16})
        self.assert_created(client.create(new_uuid(), request))
        self.assert_created(client.create(new_uuid(), creation(self.serve(images.qcow2_zlib(), "/decoded"), 1)))
        agent.close()
        made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
        self.assertIn("landlock_restrict_self", made)
        self.assertEqual(made - service_unit.system_calls(), set())


class Decoder(ImageStory):
    """The child that decodes an image while it arrives."""

    def setUp(self) -> None:
        super().setUp()
        self.gate = self.server.gate()
        self.url = self.server.serve("/image", gated(images.qcow2_zlib().read_bytes(), self.gate))
        self.agent, self.client = self.daemon()
        self.stream = self.client.create_stream(new_uuid(), creation(self.url, 1))
        self.operation = self.stream.started()
        self.gate.wait_reached()
        self.child = eventually(lambda: self._child(self.agent.pid, "decode-image"), "the decoder starting")
        self.proc = Path(f"/proc/{self.child}")

    def status(self) -> dict[str, str]:
        return dict(line.split(":\t", 1) for line in (self.proc / "status").read_text().splitlines() if ":\t" in line)

    def test_it_holds_the_image_the_disk_and_its_pipes_and_nothing_else(self):
        held = {entry.name: os.readlink(entry) for entry in (self.proc / "fd").iterdir()}
        self.assertEqual(set(held), {"0", "1", "2", "3", "4", "5"}, held)
        self.assertEqual(held["0"], "/dev/null")
        self.assertTrue(held["3"].endswith(".part") and held["4"].endswith(".converted"), held)
        for pipe in "125":
            self.assertTrue(held[pipe].startswith("pipe:"), held)

    @unittest.skipUnless(os.geteuid() == 0, "only root's programs are somebody else")
    def test_it_is_nobody_that_anybody_else_is_and_may_not_win_rights_back(self):
        status = self.status()
        for kind in ("Uid", "Gid"):
            self.assertTrue(all(int(number) in NO_ACCOUNTS for number in status[kind].split()), status[kind])
        self.assertEqual({status[kind].strip() for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb")}, {"0" * 16})
        self.assertEqual((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"))

    def test_it_may_not_have_all_the_memory_nor_write_more_than_the_disk(self):
        limits = (self.proc / "limits").read_text()
        self.assertRegex(limits, r"Max address space +\d+")
        self.assertRegex(limits, rf"Max file size +{64 * MIB} ")

    def test_it_ends_with_its_request(self):
        self.client.cancel(self.operation)
        self.assertEqual(self.stream.last()["event"], "error")
        eventually(lambda: not self.proc.exists(), "the decoder ending")
        eventually(lambda: not self.staged_files(), "the staged files going")

    def test_one_that_is_killed_fails_the_request_and_the_next_one_succeeds(self):
        os.kill(self.child, signal.SIGKILL)
        self.gate.open()
        problem = self.stream.last()["problem"]
        self.assertEqual(problem["code"], "tool_failed", problem)
        self.assertIn("decoder was ended by signal 9", problem["detail"])
        self.assert_created(self.client.create(new_uuid(), creation(self.url, 1)))


class TakenOver(ImageStory):
    """A qemu-img that an image has taken over: what it tries while it should convert, and what is said of that."""

    ATTEMPTS = {
        "another file": ('open(F, "<", "/etc/shadow") or die "shadow: $!"', "shadow: Permission denied"),
        "a second file": ('open(F, ">", "/tmp/basecache-second") or die "second: $!"', "second: Permission denied"),
        "the network": ('use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or die "socket: $!"', "socket: Operation not permitted"),
        "a child": ('defined(fork) or die "fork: $!"', "fork: Operation not permitted"),
        "all the memory": ('my $all = "x" x (4 << 30)', "Out of memory"),
    }

    def daemon_with(self, attempt: str, **options):
        folder = self.scratch / "taken-over"
        folder.mkdir(exist_ok=True)
        real = tool("sh", "-c", "command -v qemu-img").strip()
        (folder / "qemu-img").write_text("#!/usr/bin/perl\n"
                                         f'exec("{real}", @ARGV) unless grep {{ $_ eq "convert" }} @ARGV;\n'
                                         f"{attempt}; exit 0;\n")
        (folder / "qemu-img").chmod(0o755)
        self.scratch.chmod(0o755)  # whoever reads images isn't root
        return self.daemon(self.config(**options), path=f"{folder}:{os.environ['PATH']}")

    def test_it_is_stopped_at_each_and_the_error_says_at_what(self):
        url = self.serve(images.vmdk())
        for what, (attempt, words) in self.ATTEMPTS.items():
            with self.subTest(what):
                agent, client = self.daemon_with(attempt)
                answer = client.create(new_uuid(), creation(url, 1))
                agent.stop()
                self.assert_problem(answer, 500, "tool_failed", "qemu-img", words)
                self.assertEqual(self.visible_base_files(), [])
                self.assert_nothing_staged()

    def test_one_that_runs_for_ever_is_ended_by_the_deadline(self):
        agent, client = self.daemon_with("while (1) {}", basecache={"request_deadline": 2})
        answer = client.create(new_uuid(), creation(self.serve(images.vmdk()), 1))
        self.assert_problem(answer, 504, "timed_out")
        eventually(lambda: self._child(agent.pid, "perl") is None, "what runs for ever being ended")
        eventually(lambda: not self.staged_files(), "the staged files going")

    def test_one_that_sees_another_disk_has_the_image_refused_with_all_opinions(self):
        folder = self.scratch / "seer"
        folder.mkdir()
        real = tool("sh", "-c", "command -v qemu-img").strip()
        answer = '{"format": "qcow2", "virtual-size": 1048576, "filename": "x"}'
        (folder / "qemu-img").write_text(f"""#!/bin/sh\n[ "$1" = info ] && {{ echo '{answer}'; exit 0; }}\nexec {real} "$@"\n""")
        (folder / "qemu-img").chmod(0o755)
        self.scratch.chmod(0o755)
        self.daemon(path=f"{folder}:{os.environ['PATH']}")
        image = new_uuid()
        imported = self.cli("image", "import", images.qcow2(), "--name", "x", "--id", image)
        self.assertEqual(imported.code, 0, imported)
        done = self.cli("--socket", self.scratch / "agent.sock", "cache", "precache", image)
        self.assertNotEqual(done.code, 0)
        for words in ("the registry says 'qcow2'", "qemu-img sees", "1048576", f"the inspector 'qcow2' of {64 * MIB} bytes"):
            self.assertIn(words, done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
