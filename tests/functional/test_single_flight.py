"""Many callers, one download: joined, across processes, and left by some or all."""

import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import images
from harness import creation, eventually, new_uuid
from image_server import gated
from image_story import ImageStory

CALLERS = 50


class SingleFlight(ImageStory):
    def create_all(self, clients: list, url: str) -> list:
        """One creation a caller, all at once, the callers spread over the clients."""
        together = threading.Barrier(CALLERS)

        def create(number: int):
            together.wait()
            return clients[number % len(clients)].create(new_uuid(), creation(url))

        with ThreadPoolExecutor(CALLERS) as callers:
            return list(callers.map(create, range(CALLERS)))

    def assert_all_equal_the_source(self, answers: list) -> None:
        disks = [self.assert_created(answer)["disk"] for answer in answers]
        self.assertEqual(len({disk["path"] for disk in disks}), CALLERS)
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(lambda disk: self.assert_same_content(images.raw(), disk["path"], "raw", "qcow2"), disks))

    def gated_image(self):
        gate = self.server.gate()
        return gate, self.server.serve("/image", gated(images.qcow2().read_bytes(), gate))

    def test_fifty_concurrent_creations_of_one_image_fetch_it_once(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        answers = self.create_all([client], url)
        self.assertEqual(self.server.gets["/image"], 1)
        self.assert_all_equal_the_source(answers)
        self.assertEqual(sorted({answer.body["disks"][0]["how"] for answer in answers} - {"hit"}), ["built", "joined"])
        self.assert_nothing_staged()

    def test_two_daemons_on_one_instances_path_fetch_it_once(self):
        url = self.serve(images.qcow2())
        clients = [self.daemon(socket=f"agent-{number}.sock")[1] for number in range(2)]
        answers = self.create_all(clients, url)
        self.assertEqual(self.server.gets["/image"], 1)
        self.assert_all_equal_the_source(answers)
        self.assert_nothing_staged()

    def test_a_caller_that_leaves_disturbs_nobody(self):
        gate, url = self.gated_image()
        _, client = self.daemon()
        uuids = [new_uuid() for _ in range(3)]
        first = client.create_stream(uuids[0], creation(url))
        leaving = first.started()
        gate.wait_reached()
        others = [client.create_stream(uuid, creation(url)) for uuid in uuids[1:]]
        for other in others:
            other.started()
            other.until_progress("fetch")  # it waits for that transfer now
        self.assertLess(client.cancel(leaving).status, 300)
        event = first.last()
        self.assertEqual((event["event"], event["problem"]["status"]), ("error", 499), event)
        gate.open()
        for other in others:
            event = other.last()
            self.assertEqual(event["event"], "result", event)
        self.assertEqual(self.server.gets["/image"], 1)
        self.assert_published(url)
        self.assertFalse((self.instances_path / uuids[0]).exists())
        self.assert_nothing_staged()

    def test_the_last_caller_to_leave_stops_the_transfer(self):
        gate, url = self.gated_image()
        _, client = self.daemon()
        before = self.tree()
        streams = [client.create_stream(new_uuid(), creation(url)) for _ in range(3)]
        operations = [stream.started() for stream in streams]
        gate.wait_reached()
        for operation in operations:
            client.cancel(operation)
        for stream in streams:
            self.assertEqual(stream.last()["event"], "error")
        gate.wait_client_gone()
        eventually(lambda: self.tree() == before, "what they had begun going")

        self.serve(images.qcow2())
        self.assert_created(client.create(new_uuid(), creation(url)))
        self.assert_published(url)

    def test_a_client_that_hangs_up_has_left(self):
        gate, url = self.gated_image()
        _, client = self.daemon()
        before = self.tree()
        stream = client.create_stream(new_uuid(), creation(url))
        stream.started()
        gate.wait_reached()
        stream.close()
        gate.wait_client_gone()
        eventually(lambda: not client.operations(), "the operation ending")
        eventually(lambda: self.tree() == before, "what it had begun going")

    def test_who_waits_for_its_turn_is_told_so(self):
        gate, url = self.gated_image()
        other = self.serve(images.qcow2(), "/other")
        _, client = self.daemon(self.config(basecache={"build_concurrency": 1}))
        first = client.create_stream(new_uuid(), creation(url))
        first.started()
        gate.wait_reached()
        second = client.create_stream(new_uuid(), creation(other))
        second.started()
        second.until_progress("wait")
        gate.open()
        for stream in (first, second):
            event = stream.last()
            self.assertEqual(event["event"], "result", event)

    def test_a_running_creation_is_listed_with_its_progress(self):
        gate, url = self.gated_image()
        _, client = self.daemon()
        stream = client.create_stream(new_uuid(), creation(url))
        operation = stream.started()
        gate.wait_reached()
        half = len(images.qcow2().read_bytes()) // 2
        progress = eventually(lambda: next((o["progress"] for o in client.operations()
                                            if o["id"] == operation and o["progress"].get("done", 0) >= half // 2), None),
                              "progress of the fetch")
        self.assertEqual(progress["total"], len(images.qcow2().read_bytes()))
        gate.open()
        self.assertEqual(stream.last()["event"], "result")
        self.assertEqual(client.operations(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
