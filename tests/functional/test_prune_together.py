"""Whoever prunes, and however many at once: the daemon by itself, over its socket, a process of its own, beside creations."""

import json
import re
import threading
import unittest

import images
from harness import creation, new_uuid, tool
from image_story import ImageStory

CREATES, PRUNES, OWN_PASSES = 60, 8, 2


class Together(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        # Whatever nobody uses goes at once.
        ages = {"remove_unused_original_minimum_age_seconds": 0, "remove_unused_resized_minimum_age_seconds": 0}
        self.node = self.config(image_cache={"manager_interval": 1, **ages})
        self.node_daemon, self.client = self.daemon(self.node)
        self.urls = [self.serve(images.qcow2(), f"/image-{number}") for number in range(3)]
        self.lock = threading.Lock()
        self.created = self.built = 0
        self.reports: dict[str, list[dict]] = {"socket": [], "standalone": []}
        self.failures: list[str] = []

    def own_passes(self) -> list[int]:
        """How many files each pass of the daemon's own removed."""
        return [int(found[1]) for line in list(self.node_daemon.log) if (found := re.search(r"event=pruned removed=(\d+)", line))]

    def is_enough(self) -> bool:
        with self.lock:
            return bool(self.failures) or (self.created >= CREATES and len(self.own_passes()) >= OWN_PASSES
                                           and all(len(reports) >= PRUNES for reports in self.reports.values()))

    def create_and_delete(self, number: int) -> None:
        while not self.is_enough():
            uuid = new_uuid()
            answer = self.client.create(uuid, creation(self.urls[number]))
            disk = self.instances_path / uuid / "disk"
            with self.lock:
                self.created += 1
                if answer.status != 200:
                    self.failures.append(f"create: {answer.body}")
                else:
                    self.built += answer.body["disks"][0]["how"] == "built"
            if answer.status == 200:
                tool("qemu-img", "info", "-U", "-f", "qcow2", "--backing-chain", disk)  # fails without its base file
                self.client.delete(uuid)

    def prune(self, way: str, *options: object) -> None:
        while not self.is_enough():
            done = self.cli(*options, "--json", "cache", "prune", config=self.node)
            with self.lock:
                if done.code != 0:
                    self.failures.append(f"{way}: {done.err}")
                else:
                    self.reports[way].append(json.loads(done.out))

    def test_nothing_fails_nothing_used_goes_and_each_removal_is_counted_once(self):
        stays = new_uuid()
        kept = self.assert_created(self.client.create(stays, creation(self.urls[0])))["disk"]
        work = [(self.create_and_delete, 1), (self.create_and_delete, 2), (self.create_and_delete, 2),
                (self.prune, "socket", "--socket", self.scratch / "agent.sock"), (self.prune, "standalone", "--standalone")]
        threads = [threading.Thread(target=self._guarded, args=each) for each in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        self.assertEqual(self.node_daemon.stop(), 0)  # its last pass has been told
        removed = sum(self.own_passes()) + sum(report["removed"] for reports in self.reports.values() for report in reports)
        self.assertGreater(removed, 0)
        self.assertEqual(self.built + 1, removed + len(self.visible_base_files()))
        self.assert_same_content(images.raw(), self.instances_path / stays / "disk", "raw", "qcow2")
        self.assertTrue((self.base / kept["base"]).exists())
        self.assertNotIn("event=operation_failed", self.node_daemon.text())

    def _guarded(self, work, *arguments) -> None:
        try:
            work(*arguments)
        except BaseException as failure:  # else the others would go on for ever
            with self.lock:
                self.failures.append(repr(failure))
            raise


if __name__ == "__main__":
    unittest.main()
