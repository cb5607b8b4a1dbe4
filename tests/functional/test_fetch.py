"""Fetching from servers that misbehave: what is retried, what is refused, what is left behind (nothing)."""

import hashlib
import json
import socket
import unittest

import images
from harness import cache_key, creation, eventually, new_uuid
from image_server import endless, gated, redirect, status, truncated
from image_story import ImageStory


class Fetch(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.image = images.qcow2().read_bytes()

    def create(self, url: str, config: dict | None = None, **fields):
        _, client = self.daemon(self.config(**(config or {})))
        self.before = self.tree()
        return client.create(new_uuid(), creation(url, **fields))

    def assert_nothing_left(self) -> None:
        self.assertEqual(self.tree(), self.before)

    def test_a_server_that_is_briefly_unavailable_is_asked_again(self):
        for code in (408, 429, 500, 502, 503):
            with self.subTest(code):
                url = self.server.serve(f"/{code}", status(code, b"later", Retry_After="0"), self.image)
                self.assert_created(self.create(url))
                self.assertEqual(self.server.gets[f"/{code}"], 2)
                self.daemons.pop().stop()
                (self.scratch / "agent.sock").unlink(missing_ok=True)

    def test_a_body_that_breaks_off_is_fetched_again_and_the_image_is_whole(self):
        url = self.server.serve("/image", truncated(self.image, len(self.image) // 3), self.image)
        self.assert_created(self.create(url))
        self.assertEqual(self.server.gets["/image"], 2)
        self.assert_published(url)

    def test_a_body_that_always_breaks_off_is_a_failure_never_a_file(self):
        url = self.server.serve("/image", truncated(self.image, len(self.image) // 3))
        self.assert_problem(self.create(url, {"glance": {"num_retries": 1}}), 502, "source_unavailable", "/image")
        self.assertEqual(self.server.gets["/image"], 2)
        self.assert_nothing_left()

    def test_a_missing_image_is_asked_for_once(self):
        self.assert_problem(self.create(self.server.url("/missing")), 404, "image_not_found", "/missing")
        self.assertEqual(self.server.gets["/missing"], 1)
        self.assert_nothing_left()

    def test_a_refusal_is_not_retried(self):
        for code in (401, 403):
            with self.subTest(code):
                url = self.server.serve(f"/{code}", status(code))
                self.assert_problem(self.create(url), 502, "source_unauthorized", f"/{code}")
                self.assertEqual(self.server.gets[f"/{code}"], 1)
                self.assert_nothing_left()
                self.daemons.pop().stop()

    def test_a_server_that_is_not_there_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses connections
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/image"
            self.assert_problem(self.create(url, {"glance": {"num_retries": 1}}), 502, "source_unavailable", url)
        self.assert_nothing_left()

    def test_a_transfer_that_stalls_is_given_up(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(self.image, gate))
        answer = self.create(url, {"glance": {"num_retries": 0}, "basecache": {"stall_timeout": 1}})
        self.assert_problem(answer, 502, "source_unavailable", "/image")
        self.assert_nothing_left()

    def test_an_endless_body_ends_at_the_limit(self):
        url = self.server.serve("/image", endless())
        answer = self.create(url, {"basecache": {"max_image_bytes": 4 << 20}}, checksum="sha256:" + "0" * 64)
        self.assert_problem(answer, 422, "image_unacceptable", "4 MiB")
        self.assertTrue(self.server.endless_stopped.wait(60))
        self.assert_nothing_left()

    def test_a_body_that_ends_with_its_connection_is_whole_only_by_its_checksum(self):
        def unannounced(handler) -> None:
            handler.close_connection = True
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(self.image)

        url = self.server.serve("/image", unannounced)
        _, client = self.daemon()
        before = self.tree()
        answer = client.create(new_uuid(), creation(url))
        self.assert_problem(answer, 422, "image_unacceptable", "whole", "checksum", "Content-Length")
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.server.gets["/image"], 1)
        checksum = "sha256:" + hashlib.sha256(self.image).hexdigest()
        self.assert_created(client.create(new_uuid(), creation(url, checksum=checksum)))
        self.assert_published(url)

    def test_the_deadline_of_a_request_ends_it(self):
        gate = self.server.gate()
        url = self.server.serve("/image", gated(self.image, gate))
        answer = self.create(url, {"basecache": {"request_deadline": 1, "stall_timeout": 60}})
        self.assert_problem(answer, 504, "timed_out")
        gate.wait_client_gone()
        eventually(lambda: self.tree() == self.before, "the staged file of a caller that has its answer going")

    def test_a_rate_holds_a_server_and_a_file_up_until_the_deadline(self):
        """At 64 KiB a second the image takes minutes; without a rate it is there at once."""
        config = self.config(basecache={"request_deadline": 2})
        self.daemon(config)
        for image in (self.server.serve("/image", self.image), self.file_url(images.qcow2())):
            with self.subTest(image):
                slow = self.cli("--socket", self.scratch / "agent.sock", "--json", "cache", "precache", image,
                                "--rate", "64KiB", config=config)
                self.assertEqual(json.loads(slow.err)["code"], "timed_out", slow)

    def test_the_checksum_of_the_bytes_is_demanded(self):
        url = self.server.serve("/image", self.image)
        right = "sha512:" + hashlib.sha512(self.image).hexdigest()
        wrong = "sha256:" + "0" * 64
        _, client = self.daemon()
        before = self.tree()
        answer = client.create(new_uuid(), creation(url, checksum=wrong))
        self.assert_problem(answer, 422, "checksum_mismatch", hashlib.sha256(self.image).hexdigest())
        self.assertEqual(self.tree(), before)
        self.assert_created(client.create(new_uuid(), creation(url, checksum=right)))
        self.assert_published(url)

    def test_of_what_is_converted_the_sources_digest_is_known_although_nobody_promised_one(self):
        url = self.file_url(images.vmdk())
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), creation(url)))
        self.assertEqual(client.get(f"/v1/cache/{cache_key(url)}").body["source_digest"],
                         "sha256:" + hashlib.sha256(images.vmdk().read_bytes()).hexdigest())

    def test_a_checksum_can_be_demanded_of_a_local_raw_file_that_is_cached_already(self):
        url = self.file_url(images.raw())
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), creation(url)))
        right = "sha512:" + hashlib.sha512(images.raw().read_bytes()).hexdigest()
        self.assert_created(client.create(new_uuid(), creation(url, checksum=right)))
        answer = client.create(new_uuid(), creation(url, checksum="sha256:" + "0" * 64))
        self.assert_problem(answer, 422, "checksum_mismatch", hashlib.sha256(images.raw().read_bytes()).hexdigest())

    def test_redirects_are_followed_within_their_scheme(self):
        self.server.serve("/image", self.image)
        url = self.server.serve("/moved", redirect("/image"))
        answer = self.create(url, {"basecache": {"url_hosts": "127.0.0.1"}})
        self.assert_created(answer)
        self.assert_published(url)

    def test_a_redirect_to_another_scheme_is_refused(self):
        target = self.file_url(images.qcow2())
        url = self.server.serve("/moved", redirect(target))
        answer = self.create(url, {"basecache": {"url_hosts": "127.0.0.1"}})
        self.assertIn(answer.status, (403, 422, 502), answer.body)
        self.assert_nothing_left()

    def test_credentials_in_a_url_reach_the_server_and_nothing_else(self):
        url = self.server.serve("/image", self.image).replace("http://", "http://user:hunter2@")
        answer = self.create(url)
        self.assert_created(answer)
        self.assertIn("authorization", self.server.requests[0])
        self.assertNotIn("hunter2", str(answer.body))
        daemon = self.daemons[0]
        daemon.stop()
        self.assertNotIn("hunter2", daemon.text())
        for name, kind in self.tree().items():
            if kind[0] == "file" and kind[1] < 1 << 20:
                self.assertNotIn(b"hunter2", (self.instances_path / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
