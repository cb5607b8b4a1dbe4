"""libvirt's hook, called by hand: what it makes, what it refuses, and what it never does."""

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

import images
from harness import CLI, PATIENCE, creation, eventually, new_uuid, tool
from hook_story import HOOK, LIBVIRT_ENVIRONMENT, NAMESPACE, HookStory
from image_server import gated

STARTS = 20
FOREIGN = "<domain type='kvm'><name>x</name><uuid>{}</uuid><metadata/></domain>"
FORBIDDEN = ("libvirt", "libcurl")


class Starts(HookStory):
    def test_a_start_makes_the_disks_and_the_next_one_finds_them(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        self.daemon(self.hook_config())
        xml = self.our_domain(uuid, creation(url))
        self.assert_goes_on(self.hook(xml))
        self.assert_same_content(images.raw(), self.disk(uuid), "raw", "qcow2")
        self.assertEqual(self.leases(), {uuid})
        made = self.disk(uuid).stat().st_ino
        self.assert_goes_on(self.hook(xml))
        self.assertEqual(self.disk(uuid).stat().st_ino, made)
        self.assertEqual(self.server.gets["/image"], 1)

    def test_leases_follow_the_guest(self):
        uuid, other = new_uuid(), new_uuid()
        self.daemon(self.hook_config())
        xml = self.our_domain(uuid, None)
        self.assert_goes_on(self.hook(self.our_domain(other, None)))
        for end in ("stopped", "release"):
            self.assert_goes_on(self.hook(xml))
            self.assertEqual(self.leases(), {uuid, other})
            self.assert_goes_on(self.hook(xml, end, "end"))
            self.assertEqual(self.leases(), {other})
            self.assert_goes_on(self.hook(xml, end, "end"))  # libvirt calls both
        self.assert_goes_on(self.hook(xml, "reconnect"))
        self.assertEqual(self.leases(), {uuid, other})
        lease = json.loads((self.base / ".basecache" / "domains" / f"{uuid}.json").read_text())
        self.assertEqual([file["path"] for file in lease["files"]], [str(self.disk(uuid))])

    def test_other_operations_do_nothing(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        self.daemon(self.hook_config())
        for operation, sub in (("start", "begin"), ("started", "begin"), ("restore", "begin"), ("migrate", "begin"),
                               ("attach", "begin"), ("prepare", "end"), ("nonsense", "")):
            self.assert_goes_on(self.hook(self.our_domain(uuid, creation(url)), operation, sub))
        self.assertFalse(self.disk(uuid).exists())
        self.assertEqual(self.leases(), set())

    def test_an_instance_of_novas_gets_what_its_flavor_says(self):
        config = self.hook_config()
        self.daemon(config)
        image = self.cli("--json", "image", "import", images.qcow2(), config=config).json["id"]
        uuid = new_uuid()
        xml = self.nova_domain(uuid, image, swap=64, disks=("disk", "disk.swap"))
        self.assert_goes_on(self.hook(xml))
        self.assert_clean_disk(self.disk(uuid), "qcow2", 1 << 30)
        self.assertTrue(self.disk(uuid, "disk.swap").exists())
        # The image isn't needed again while its disks are there.
        tool("rm", "-r", self.scratch / "registry")
        self.assert_goes_on(self.hook(xml))

    def test_twenty_starts_of_one_image_fetch_it_once(self):
        url = self.serve(images.qcow2())
        self.daemon(self.hook_config())
        uuids = [new_uuid() for _ in range(STARTS)]
        started = [self.start_hook(self.our_domain(uuid, creation(url))) for uuid in uuids]
        for process in started:
            self.assert_goes_on(self.ended(process))
        self.assertEqual(self.server.gets["/image"], 1)
        self.assertEqual(self.leases(), set(uuids))
        for uuid in uuids:
            self.assertTrue(self.disk(uuid).exists())


class Failures(HookStory):
    def test_what_takes_too_long_goes_on_and_the_next_start_finds_it(self):
        gate = self.server.gate()
        url, uuid = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate)), new_uuid()
        _, client = self.daemon(self.hook_config(hook_deadline=1))
        xml = self.our_domain(uuid, creation(url))
        self.assert_refused(self.hook(xml), "still being made (fetch", " % of ", "start it again in a moment")
        self.assertEqual([running["kind"] for running in client.operations()], ["prepare"])
        self.assert_goes_on(self.hook(xml, "release", "end"))
        self.assertEqual(self.leases(), set())
        self.hook_config()  # a start that waits
        again = self.start_hook(xml)
        eventually(lambda: self.leases() == {uuid}, "the second start holding its domain")
        self.assertEqual(len(client.operations()), 1)  # joined
        gate.open()
        self.assert_goes_on(self.ended(again))
        self.assertEqual(self.server.gets["/image"], 1)
        self.assert_same_content(images.raw(), self.disk(uuid), "raw", "qcow2")
        self.assertEqual(self.leases(), {uuid})

    def test_a_start_with_another_request_doesnt_take_what_the_first_one_makes_for_its_own(self):
        gate, uuid = self.server.gate(), new_uuid()
        slow = self.server.serve("/slow", gated(images.qcow2().read_bytes(), gate))
        _, client = self.daemon(self.hook_config())
        first = self.start_hook(self.our_domain(uuid, creation(slow)))
        gate.wait_reached()
        changed = creation(slow, flavor={"root_gb": 0, "ephemeral_gb": 1})
        second = self.start_hook(self.our_domain(uuid, changed, disks=("disk", "disk.local")))
        eventually(lambda: len(client.operations()) == 2, "the second start's own work")
        gate.open()
        self.assert_goes_on(self.ended(first))
        self.assert_goes_on(self.ended(second))
        self.assertTrue(self.disk(uuid, "disk.local").exists())
        self.assertEqual(self.server.gets["/slow"], 1)

    def test_a_daemon_that_is_stopped_cancels_what_goes_on(self):
        gate = self.server.gate()
        url, uuid = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate)), new_uuid()
        daemon, _ = self.daemon(self.hook_config(hook_deadline=1))
        self.assert_refused(self.hook(self.our_domain(uuid, creation(url))), "still being made")
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.disk(uuid).parent.exists())

    def test_an_image_that_is_refused_fails_the_start_with_its_reason(self):
        uuid = new_uuid()
        self.daemon(self.hook_config())
        url = self.server.serve("/image", b"")
        self.assert_refused(self.hook(self.our_domain(uuid, creation(url))), "empty")
        missing = self.our_domain(uuid, creation(self.server.url("/nothing")))
        self.assert_refused(self.hook(missing), "/nothing")
        self.assert_goes_on(self.hook(missing, "release", "end"))  # as libvirt does
        self.assertEqual(self.leases(), set())
        self.assertFalse(self.disk(uuid).parent.exists())

    def test_a_request_that_is_none_fails_the_start_without_its_secrets(self):
        uuid = new_uuid()
        self.daemon(self.hook_config())
        unknown = self.our_domain(uuid, {"image": "x", "admin_pass": "topsecret"})
        broken = self.our_domain(uuid, {}).replace("{}", '{"admin_pass": "topsecret"')
        other = self.our_domain(uuid, {"uuid": new_uuid()})
        for xml in (unknown, broken, other):
            result = self.hook(xml)
            self.assert_refused(result)
            self.assertNotIn("topsecret", result.err)

    def test_without_an_agent_only_what_has_to_be_made_fails(self):
        uuid = new_uuid()
        self.hook_config()
        ours, nova = self.our_domain(uuid, creation("file:///x")), self.nova_domain(uuid, new_uuid())
        self.assert_refused(self.hook(ours), "can't be reached", "No such file")
        self.assert_refused(self.hook(nova), "can't be reached")
        for operation, sub in (("reconnect", "begin"), ("stopped", "end"), ("release", "end")):
            self.assert_goes_on(self.hook(ours, operation, sub))
        self.disk(uuid).parent.mkdir()
        self.disk(uuid).touch()
        self.assert_goes_on(self.hook(ours))
        self.assert_goes_on(self.hook(nova))

    def test_a_failure_may_be_ignored(self):
        self.hook_config(hook_failure="ignore")
        self.assert_goes_on(self.hook(self.our_domain(new_uuid(), creation("file:///x"))))

    def test_an_agent_that_hangs_is_given_up_and_doesnt_make_disks_behind_its_back(self):
        url, missing, there, next_one = self.serve(images.qcow2()), new_uuid(), new_uuid(), new_uuid()
        daemon, client = self.daemon(self.hook_config(hook_deadline=1))
        self.disk(there).parent.mkdir()
        self.disk(there).touch()
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            self.assert_refused(self.hook(self.our_domain(missing, creation(url))), "doesn't answer")
            self.assert_goes_on(self.hook(self.our_domain(there, creation(url))))
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        self.hook_config()
        self.assert_goes_on(self.hook(self.our_domain(next_one, creation(url))))
        self.assertEqual(self.leases(), {next_one})
        self.assertEqual(client.operations(), [])
        self.assertFalse(self.disk(missing).exists())


class Strangers(HookStory):
    def test_somebody_elses_domain_is_nobodys_here_whatever_is_wrong(self):
        self.hook_config(hook_deadline="nonsense")
        padding = "<!-- " + "x" * (5 << 20) + " -->"
        for xml in (FOREIGN.format(new_uuid()), FOREIGN.format(new_uuid()).replace("<metadata/>", padding), "",
                    "<domain", "\0\xff", FOREIGN.format(new_uuid()) * 2):
            for operation, sub in (("prepare", "begin"), ("release", "end")):
                self.assert_goes_on(self.hook(xml, operation, sub))

    def test_a_mention_of_us_is_no_metadata(self):
        self.hook_config()
        self.assert_goes_on(self.hook(self.domain(new_uuid(), "", more=f"<!-- {NAMESPACE} -->")))

    def test_stdin_may_be_closed_and_argv_anything(self):
        self.hook_config()
        for words in ([], ["web01"], ["web01", "prepare"], ["web01", "prepare", "begin", "-"]):
            done = subprocess.run([str(HOOK), *words], env=LIBVIRT_ENVIRONMENT, capture_output=True, timeout=PATIENCE,
                                  stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        closed = subprocess.run(["sh", "-c", 'exec "$0" web01 prepare begin - <&-', str(HOOK)], capture_output=True,
                                env=LIBVIRT_ENVIRONMENT, timeout=PATIENCE)
        self.assertEqual((closed.returncode, closed.stdout, closed.stderr), (0, b"", b""))

    def test_five_megabytes_of_ours_are_understood(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        self.daemon(self.hook_config())
        xml = self.our_domain(uuid, creation(url), more="<!-- " + "x" * (5 << 20) + " -->")
        self.assert_goes_on(self.hook(xml))
        self.assertTrue(self.disk(uuid).exists())

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_an_ordinary_users_domain_fails_by_the_agents_rules_and_others_dont_care(self):
        self.daemon(self.hook_config(socket_mode="0666"))
        self.scratch.chmod(0o755)
        as_nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        self.assert_refused(self.hook(self.our_domain(new_uuid(), creation("file:///x")), **as_nobody), "65534")
        self.assert_goes_on(self.hook(FOREIGN.format(new_uuid()), **as_nobody))
        self.assertEqual(self.leases(), set())

    def test_the_hook_has_no_libvirt(self):
        gate = self.server.gate()
        url, uuid = self.server.serve("/image", gated(images.qcow2().read_bytes(), gate)), new_uuid()
        self.daemon(self.hook_config())
        for program in (HOOK, HOOK.with_name("basecache-domain-hook")):
            self.assert_has_none(tool("ldd", program))
        running = self.start_hook(self.our_domain(uuid, creation(url)))
        gate.wait_reached()
        self.assertEqual(Path(f"/proc/{running.pid}/comm").read_text().strip(), "basecache-domain-hook"[:15])
        self.assert_has_none(Path(f"/proc/{running.pid}/maps").read_text())
        self.assertEqual(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(), "")
        gate.open()
        self.assert_goes_on(self.ended(running))

    def assert_has_none(self, listed: str) -> None:
        for library in FORBIDDEN:
            self.assertNotIn(library, listed)


class Beforehand(HookStory):
    def test_prepare_makes_the_disks_of_a_domain_that_isnt_started(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        config = self.hook_config(hook_deadline=1)
        self.daemon(config)
        xml = self.scratch / "web01.xml"
        xml.write_text(self.our_domain(uuid, creation(url)))
        done = self.cli("--json", "prepare", "--domain", xml, config=config)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual([disk["how"] for disk in done.json["disks"]], ["built"])
        self.assertEqual(self.leases(), set())
        self.assert_goes_on(self.hook(xml.read_text()))
        self.assertEqual(self.server.gets["/image"], 1)

    def test_it_tells_of_what_it_doesnt_make_and_reads_stdin(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        self.hook_config()
        elsewhere = "<disk type='file'><source file='/var/elsewhere.img'/><target dev='vdz'/></disk>"
        xml = self.our_domain(uuid, creation(url), more=elsewhere)
        done = subprocess.run([str(CLI), "--config", str(self.hook_config()), "--standalone", "prepare", "--domain", "-"],
                              input=xml, text=True, capture_output=True, env=self.environment(), timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("built", done.stdout)
        self.assertIn("note: disk vdz: '/var/elsewhere.img' isn't there", done.stdout)

    def test_somebody_elses_domain_is_refused(self):
        config = self.hook_config()
        xml = self.scratch / "x.xml"
        xml.write_text(FOREIGN.format(new_uuid()))
        for arguments, words in (((xml,), "isn't ours"), ((self.scratch / "none.xml",), "there is no file")):
            done = self.cli("prepare", "--domain", *arguments, config=config)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(words, done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
