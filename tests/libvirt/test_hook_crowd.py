"""Many domains at once, libvirtd's and the guests' own ends, and pruning meanwhile: nothing waits for itself."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import own_libvirt
import private_machine
from domain_story import CONFIGURED, DomainStory
from harness import new_uuid

DOMAINS = 20


class Crowd(DomainStory):
    options = {"hook_deadline": 60}

    def define_all(self, count: int) -> dict[str, str]:
        """UUIDs by name."""
        uuids = {f"web{number:02}": new_uuid() for number in range(count)}
        for name, uuid in uuids.items():
            self.define(self.domain(name, uuid))
        return uuids

    def at_once(self, action, names) -> list:
        with ThreadPoolExecutor(len(names)) as callers:
            return list(callers.map(action, names))

    def test_twenty_starts_at_once_of_one_image_fetch_it_once(self):
        uuids = self.define_all(DOMAINS)
        self.at_once(lambda name: self.libvirt.done("start", "--paused", name), uuids)
        self.assertEqual(self.downloads(), 1)
        for uuid in uuids.values():
            self.assertTrue(self.lease(uuid).exists())
        one = next(iter(uuids))
        self.libvirt.done("resume", one)
        self.assert_guest_started(uuids[one])
        self.at_once(lambda name: self.libvirt.done("destroy", name), uuids)
        for uuid in uuids.values():
            self.assert_let_go(uuid)

    def test_starts_and_ends_go_on_while_pruning_asks_libvirt_again_and_again(self):
        uuids = self.define_all(4)
        ended = threading.Event()
        codes = []

        def prune() -> None:
            while not ended.is_set():
                codes.append(self.cli("cache", "prune", config=CONFIGURED).code)

        pruning = threading.Thread(target=prune)
        pruning.start()
        try:
            for _ in range(3):
                self.at_once(lambda name: self.libvirt.done("start", "--paused", name), uuids)
                self.assert_libvirt_answers()
                self.at_once(lambda name: self.libvirt.done("destroy", name), uuids)
        finally:
            ended.set()
            pruning.join()
        self.assertIn(0, codes)
        self.assertEqual(self.downloads(), 1)


class Ends(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        self.define(self.domain())
        self.libvirt.done("start", "web01")
        self.assert_held()
        self.assert_guest_started(self.uuid)

    def test_a_guest_that_is_killed_is_let_go(self):
        (guest,) = own_libvirt.guests()
        os.kill(guest, signal.SIGKILL)
        self.assert_let_go()

    def test_a_restarted_libvirtd_tells_of_the_guests_that_run(self):
        self.lease(self.uuid).unlink()  # as if nobody had been told at the start
        self.libvirt.restart()
        self.assert_held()
        self.assertEqual(self.state("web01"), "running")

    def test_an_agent_that_is_away_kills_no_guest_when_libvirtd_restarts(self):
        self.agent.stop()
        self.libvirt.restart()
        self.assertEqual(self.state("web01"), "running")
        self.libvirt.done("destroy", "web01")


if __name__ == "__main__":
    private_machine.run_stories()
