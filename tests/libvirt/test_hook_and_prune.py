"""A hook that waits and a prune that has to ask libvirt, whose answer would wait for that hook: neither holds up the other."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import private_machine
import tiny_guest
from domain_story import DomainStory, hook_processes
from harness import PATIENCE, cache_key, eventually
from image_server import gated
from own_libvirt import said


class HookAndPrune(DomainStory):
    options = {"hook_deadline": 5}

    def setUp(self) -> None:
        super().setUp()
        unused = self.server.serve("/unused", tiny_guest.root_image())
        self.assertEqual(self.client.request("POST", "/v1/cache/images", {"image_ref": unused}).status, 200)
        self.unused = self.base / cache_key(unused)
        self.grow_old(self.unused)
        self.gate = self.server.gate()
        self.server.serve("/image", gated(tiny_guest.root_image().read_bytes(), self.gate))
        self.define(self.domain())
        self.callers = ThreadPoolExecutor(2)
        self.addCleanup(self.callers.shutdown)

    def start_pruning(self):
        """A prune that has begun, and what it is going to report."""
        pruning = self.callers.submit(self.client.prune)
        eventually(lambda: pruning.done() or self.is_pruning(), "a prune")
        return pruning

    def is_pruning(self) -> bool:
        return any(one["kind"] == "prune" for one in self.client.operations())

    def assert_reported(self, pruning) -> None:
        """It was told who uses what, or removed nothing."""
        report = pruning.result(PATIENCE)
        self.assertEqual(report["removed"] == 0, bool(report["unreadable"]), report)
        self.assertEqual(self.unused.exists(), report["removed"] == 0)

    def test_while_a_hook_waits_nobody_asks_libvirt(self):
        starting = self.libvirt.virsh_process("start", "web01")
        self.gate.wait_reached()
        pruning = self.start_pruning()
        listing = self.callers.submit(self.client.cache)
        asked = set()
        # Who asked would be seen: libvirt doesn't answer until then.
        eventually(lambda: asked.update(asking()) or not hook_processes(), "the hook's deadline")
        self.assert_says(said(starting), "start it again")
        self.assertEqual(asked, set())
        self.assert_libvirt_answers()
        self.assert_reported(pruning)
        listing.result(PATIENCE)
        self.gate.open()
        self.wait_idle()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)

    def test_who_is_asking_libvirt_gives_up_when_a_hook_waits(self):
        os.kill(self.libvirt.pid, signal.SIGSTOP)
        try:
            pruning = self.start_pruning()
            (child,) = eventually(asking, "a child that asks libvirt")
            os.kill(child, signal.SIGSTOP)
        finally:
            os.kill(self.libvirt.pid, signal.SIGCONT)
        starting = self.libvirt.virsh_process("start", "web01")
        self.gate.wait_reached()
        eventually(lambda: not asking(), "the child's end")
        self.gate.open()
        self.assertEqual(said(starting).code, 0)
        self.assert_reported(pruning)
        self.assert_guest_started(self.uuid)


def asking() -> list[int]:
    """The processes that ask libvirt for its domains."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"list-domains" in command.read_bytes():
                found.append(int(command.parent.name))
        except OSError:
            pass  # it has ended
    return found


if __name__ == "__main__":
    private_machine.run_stories()
