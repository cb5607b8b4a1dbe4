"""What a start says when its disks can't be made, or not in time, and that libvirtd goes on whatever happens."""

import os
import random
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import images
import private_machine
import tiny_guest
from domain_story import CONFIGURED, DomainStory, hook_processes, ours
from harness import PATIENCE, cache_key, eventually
from image_server import gated, whole
from own_libvirt import said

SHOWN = "Hook script execution failed"


def short_line(answer) -> str:
    """What the hook said, as virsh shows it."""
    return answer.err.split("unexpected exit status 1: ", 1)[-1].strip()


class AgentDown(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        self.define(self.domain())

    def test_our_domains_start_fails_with_one_line_that_says_why(self):
        self.agent.stop()
        answer = self.libvirt.virsh("start", "web01")
        self.assert_says(answer, SHOWN, "basecache", "agent.sock")
        self.assertEqual(len(short_line(answer).splitlines()), 1, answer.err)
        self.assertLess(len(short_line(answer)), 300)
        self.assert_libvirt_answers()

    def test_with_hook_failure_ignore_the_start_goes_on_to_what_libvirt_says_itself(self):
        self.configure(hook_failure="ignore")
        self.agent.stop()
        answer = self.libvirt.virsh("start", "web01")
        self.assert_says(answer, "No such file or directory")
        self.assertNotIn(SHOWN, answer.err)

    def test_what_is_all_there_starts_without_the_agent(self):
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)
        self.libvirt.done("destroy", "web01")
        self.agent.stop()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid, starts=2)

    def test_an_agent_that_is_killed_meanwhile_fails_the_start_and_the_next_agent_makes_the_disks(self):
        gate = self.server.gate()
        self.server.serve("/image", gated(tiny_guest.root_image().read_bytes(), gate), tiny_guest.root_image())
        starting = self.libvirt.virsh_process("start", "web01")
        gate.wait_reached()
        self.agent.kill()
        self.assert_says(said(starting), SHOWN)
        self.assert_libvirt_answers()
        self.start_agent()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)

    def test_an_agent_that_stands_still_fails_the_start_at_the_deadline(self):
        self.configure(hook_deadline=1)
        os.kill(self.agent.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.agent.pid, signal.SIGCONT)
        self.assert_says(self.libvirt.virsh("start", "web01"), SHOWN)
        self.assert_libvirt_answers()


class Refused(DomainStory):
    def test_the_images_fault_is_in_virshs_error_and_no_lease_stays(self):
        bad = self.server.serve("/bad", images.with_backing_file())
        self.define(self.domain(metadata=ours(self.request(image_ref=bad)), drive=True))
        answer = self.libvirt.virsh("start", "web01")
        self.assert_says(answer, SHOWN, "backing")
        self.assertLess(len(short_line(answer)), 300)
        self.assert_let_go()
        self.assertEqual(self.state("web01"), "shut off")
        self.assertFalse(self.directory(self.uuid).exists())

    def test_a_request_that_cant_be_understood_fails_the_start_with_the_fields_name(self):
        self.define(self.domain(metadata=ours(self.request(image_ref="http://")), drive=True))
        self.assert_says(self.libvirt.virsh("start", "web01"), SHOWN, "image_ref")
        self.assert_let_go()


class Slow(DomainStory):
    """A source that stops in the middle of the image."""

    options = {"hook_deadline": 2}

    def setUp(self) -> None:
        super().setUp()
        self.gate = self.server.gate()
        self.server.serve("/image", gated(tiny_guest.root_image().read_bytes(), self.gate))
        self.define(self.domain())

    def test_the_start_fails_at_the_deadline_the_agent_goes_on_and_the_next_start_works(self):
        answer = self.libvirt.virsh("start", "web01")
        self.assert_says(answer, SHOWN, "again")
        line = short_line(answer)
        self.assertLess(len(line), 300)
        self.assertRegex(line, r"%|KiB|MiB|bytes")  # how far it is
        self.assert_libvirt_answers()
        self.assertEqual(len(self.client.operations()), 1)
        self.gate.open()
        self.wait_idle()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)
        self.assertEqual(self.downloads(), 1)

    def test_a_start_that_comes_meanwhile_joins_what_is_running(self):
        self.assert_says(self.libvirt.virsh("start", "web01"), "again")
        self.assert_says(self.libvirt.virsh("start", "web01"), "again")
        self.assertEqual(len(self.client.operations()), 1)
        self.gate.open()
        eventually(lambda: self.libvirt.virsh("start", "web01").code == 0, "a start that works")
        self.assert_guest_started(self.uuid)
        self.assertEqual(self.downloads(), 1)


class Waiting(DomainStory):
    """The hook's process, while it waits."""

    options = {"hook_deadline": 60}

    def setUp(self) -> None:
        super().setUp()
        self.gate = self.server.gate()
        self.server.serve("/image", gated(tiny_guest.root_image().read_bytes(), self.gate))
        self.define(self.domain())
        self.starting = self.libvirt.virsh_process("start", "web01")
        self.gate.wait_reached()

    def test_it_has_neither_libvirt_in_it_nor_children(self):
        (hook,) = hook_processes()
        self.assertNotIn("libvirt", mapped(hook))
        self.assertEqual(children(hook), "")
        self.gate.open()
        self.assertEqual(said(self.starting).code, 0)
        self.assert_guest_started(self.uuid)
        self.assertEqual(hook_processes(), [])

    def test_another_domain_starts_meanwhile(self):
        uuid = "6e1c1a52-9ab3-4c4f-8c3b-1c1f0f3d0002"
        self.make_by_hand(uuid)
        boot = (tiny_guest.kernel(), tiny_guest.ramdisk())
        self.libvirt.done("create", self.written(self.domain("other", uuid, metadata="", boot=boot)))
        self.assert_guest_started(uuid)
        self.gate.open()
        self.assertEqual(said(self.starting).code, 0)

    def test_a_hook_that_is_killed_fails_the_start_and_not_the_agents_work(self):
        (hook,) = hook_processes()
        os.kill(hook, signal.SIGKILL)
        self.assert_says(said(self.starting), SHOWN)
        self.gate.open()
        self.wait_idle()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)
        self.assertEqual(self.downloads(), 1)


class NoRoom(DomainStory):
    """Room that could be made if libvirt were asked. The agent's libvirt only takes what asks it."""

    options = {"hook_deadline": 20}  # less than the agent's patience with a libvirt that doesn't answer

    def setUp(self) -> None:
        super().setUp()
        self.asked = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.asked.close)
        self.asked.bind(str(self.scratch / "silent"))
        self.asked.listen()
        self.agent.stop()
        self.configure({"connection_uri": f"qemu+unix:///system?socket={self.scratch}/silent"}, cache_max_bytes="36MiB")
        self.start_agent()
        unused = self.server.serve("/unused", whole(random.Random("unused").randbytes(32 << 20)))
        self.assertEqual(self.client.request("POST", "/v1/cache/images", {"image_ref": unused}).status, 200)
        self.unused = self.base / cache_key(unused)
        self.grow_old(self.unused)

    def test_while_a_start_waits_the_agent_doesnt_ask_libvirt(self):
        gate = self.server.gate()
        self.server.serve("/image", gated(tiny_guest.root_image().read_bytes(), gate))
        self.define(self.domain(metadata=ours({"image_ref": self.url, "flavor": {"root_gb": 0}})))
        starting = self.libvirt.virsh_process("start", "web01")
        gate.wait_reached()
        self.assertNotEqual(self.client.get("/v1/cache").body["usage_unknown"], [])
        gate.open()  # what it is converted to has no room
        self.assert_says(said(starting), SHOWN, "more are needed")
        self.assertTrue(self.unused.exists())
        self.asked.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.asked.accept()
        self.assert_libvirt_answers()
        self.assert_a_prune_asks()

    def assert_a_prune_asks(self) -> None:
        self.asked.settimeout(PATIENCE)
        with ThreadPoolExecutor(1) as callers:
            pruning = callers.submit(self.cli, "--json", "cache", "prune", config=CONFIGURED)
            self.asked.accept()[0].close()
            self.asked.close()  # hangs up on a second question too
            self.assertNotEqual(pruning.result().json["unreadable"], [])


def mapped(pid: int) -> str:
    """The names of the files in its memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return "\n".join(sorted({Path(line.split()[5]).name for line in lines if len(line.split()) > 5}))


def children(pid: int) -> str:
    return " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))


if __name__ == "__main__":
    private_machine.run_stories()
