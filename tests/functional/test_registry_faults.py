"""What a registry's image service does wrong, one fault a test: what is answered, how often it was asked, that nothing
half-done can be seen, and that the next attempt makes the image whole."""

import unittest

import scripted_registry_faults as faults
from harness import KIB, MIB, creation, eventually, new_uuid
from registry_story import RETRIED, UNRESOLVABLE, RegistryStory, closed_address


class Unreachable(RegistryStory):
    def test_a_server_that_refuses_connections_is_named(self):
        taken, address = closed_address()
        with taken:
            self.start({"api_servers": address})
            self.assert_problem(self.create(), 502, "source_unavailable", address, "2 attempts", "check that the server")
        self.assert_nothing_visible()
        self.restart()
        self.assert_fetched()

    def test_a_name_that_nobody_knows_is_named(self):
        self.start({"api_servers": UNRESOLVABLE})
        self.assert_problem(self.create(), 502, "source_unavailable", UNRESOLVABLE)
        self.assert_nothing_visible()
        self.restart()
        self.assert_fetched()

    def test_a_server_that_hangs_up_without_a_word_is_asked_again(self):
        self.start()
        self.script(faults.refuse(), times=None)
        self.assert_fails_once(502, "source_unavailable", "2 attempts")
        self.assertIn(len(self.fetches()), (3, 4))  # a kept connection that is closed may be tried again at once

    def test_a_server_that_never_answers_is_given_up(self):
        self.start({"num_retries": 0}, {"stall_timeout": 1})
        self.script(faults.silence())
        self.assert_fails_once(502, "source_unavailable", "stall_timeout")
        self.assertEqual(len(self.fetches()), 2)


class Statuses(RegistryStory):
    def assert_final(self, code: int, status: int, name: str, *words: str) -> None:
        """That status of the data is the answer at once."""
        self.start()
        self.script(faults.status(code), times=None)
        self.assert_fails_once(status, name, str(code), *words)
        self.assertEqual(len(self.fetches()), 2)

    def assert_asked_again(self, code: int, *words: str) -> None:
        """That status twice is the answer; once is none."""
        self.start()
        self.script(faults.status(code, **RETRIED), times=2)
        self.assert_problem(self.create(), 502, "source_unavailable", str(code), "2 attempts", *words)
        self.assert_nothing_visible()
        self.assertEqual(len(self.fetches()), 2)
        self.script(faults.status(code, **RETRIED))
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 4)

    def test_400_is_not_retried(self):
        self.assert_final(400, 502, "source_unavailable")

    def test_403_is_not_retried(self):
        self.assert_final(403, 502, "source_unauthorized", "credentials")

    def test_404_of_the_data_is_not_retried(self):
        self.assert_final(404, 404, "image_not_found")

    def test_404_of_the_record_is_not_retried(self):
        self.start()
        self.registry.misbehave("GET", self.image.path, faults.status(404), times=None)
        self.assert_fails_once(404, "image_not_found", self.image.id)
        self.assertEqual(len(self.registry.asked("GET", self.image.path)), 2)
        self.assertEqual(len(self.fetches()), 1)

    def test_403_of_the_record_is_not_retried(self):
        self.start()
        self.registry.misbehave("GET", self.image.path, faults.status(403), times=None)
        self.assert_fails_once(502, "source_unauthorized", self.image.id, "policy")
        self.assertEqual(len(self.registry.asked("GET", self.image.path)), 2)

    def test_408_is_asked_again(self):
        self.assert_asked_again(408)

    def test_500_is_asked_again(self):
        self.assert_asked_again(500)

    def test_503_is_asked_again(self):
        self.assert_asked_again(503)

    def test_503_of_the_record_is_asked_again(self):
        self.start()
        self.registry.misbehave("GET", self.image.path, faults.status(503))
        self.assert_fetched()
        self.assertEqual(len(self.registry.asked("GET", self.image.path)), 2)

    def test_429_is_asked_again_when_the_server_says(self):
        self.assert_asked_again(429)

    def test_a_retry_after_beyond_the_deadline_ends_with_it(self):
        self.start(basecache={"request_deadline": 1})
        self.script(faults.status(429, Retry_After="60"))
        self.assert_problem(self.create(), 504, "timed_out", "request_deadline")
        self.assert_nothing_visible()
        self.restart()
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 2)

    def waiting(self):
        """A creation that waits a minute for a server that asked for it."""
        self.start()
        self.script(faults.status(503, Retry_After="60"))
        stream = self.client.create_stream(new_uuid(), creation(self.image.id, 1))
        self.addCleanup(stream.close)
        operation = stream.started()
        eventually(self.fetches, "a request")
        return stream, operation

    def test_a_wait_for_a_server_ends_when_the_request_is_cancelled(self):
        stream, operation = self.waiting()
        self.assertLess(self.client.cancel(operation).status, 300)
        self.assertEqual(stream.last()["event"], "error")
        self.assert_nothing_visible()
        self.assert_fetched()

    def test_a_wait_for_a_server_ends_when_the_daemon_ends(self):
        stream, _ = self.waiting()
        self.assertEqual(self.running.stop(), 0)
        self.assert_nothing_visible()
        self.start()
        self.assert_fetched()

    def test_204_is_an_image_without_data(self):
        self.start()
        self.script(faults.status(204, b""))
        self.assert_fails_once(502, "source_unavailable", "no data", self.image.id)
        self.assertEqual(len(self.fetches()), 2)


class Redirects(RegistryStory):
    def redirect(self, target: str) -> None:
        self.start()
        self.script(faults.redirect(target), times=None)

    def test_a_redirect_to_another_path_is_followed(self):
        other = self.registry.add_image(self.content)
        self.redirect(self.registry.url(other.file_path))
        self.assert_fetched()
        self.assertEqual(len(self.registry.asked("GET", other.file_path)), 1)

    def test_a_token_stays_with_the_server_it_is_for(self):
        elsewhere = self.started_registry()
        elsewhere.wants_token = False
        other = elsewhere.add_image(self.content)
        self.redirect(elsewhere.url(other.file_path))
        self.assert_fetched()
        request, = elsewhere.requests
        self.assertNotIn("x-auth-token", request.headers)

    def test_a_loop_ends(self):
        self.redirect(self.image.file_path)
        self.assert_fails_once(502, "source_unavailable", "redirects")
        self.assertLess(len(self.fetches()), 30)

    def test_a_redirect_to_a_file_is_refused(self):
        secret = self.scratch / "files" / "secret"
        secret.parent.mkdir(exist_ok=True)
        secret.write_bytes(self.content)
        self.redirect(f"file://{secret}")
        self.assert_fails_once(403, "forbidden", "neither http nor https")
        self.assertEqual(len(self.fetches()), 2)

    def test_a_redirect_to_a_link_local_address_is_refused_unconnected(self):
        connects = self.scratch / "connects"
        self.start(wrapper=["strace", "-f", "-e", "trace=connect", "-o", connects])
        self.script(faults.redirect("http://169.254.169.254/latest/meta-data"), times=None)
        self.assert_fails_once(403, "forbidden", "169.254.169.254", "url_hosts")
        self.assertEqual(len(self.fetches()), 2)
        self.running.close()
        self.assertIn("127.0.0.1", connects.read_text())
        self.assertNotIn("169.254", connects.read_text())

    def test_nor_does_listing_the_address_help(self):
        self.start(basecache={"url_hosts": "127.0.0.1, 169.254.169.254"})
        self.script(faults.redirect("http://169.254.169.254/latest/meta-data"))
        self.assert_fails_once(403, "forbidden", "169.254.169.254")


class Bodies(RegistryStory):
    def assert_asked_again_in_vain(self, *what: faults.Fault, words: tuple = ()) -> None:
        """Whoever does so twice has failed."""
        self.start()
        self.script(*what, times=2)
        self.assert_fails_once(502, "source_unavailable", "2 attempts", *words)
        self.assertEqual(len(self.fetches()), 3)

    def test_a_body_that_breaks_off_goes_on_where_it_broke(self):
        self.start()
        self.script(faults.cut(MIB))
        self.assert_fetched()
        self.assertEqual([request.headers.get("range") for request in self.fetches()], [None, f"bytes={MIB}-"])
        self.assertEqual(self.sent(), len(self.content))

    def test_a_body_that_breaks_off_before_it_begins_is_a_failure_in_the_end(self):
        self.assert_asked_again_in_vain(faults.cut(0))

    def test_a_body_that_stalls_is_given_up_and_gone_on_with(self):
        self.start({"num_retries": 0}, {"stall_timeout": 1})
        self.script(faults.stall(MIB + 1))
        self.assert_problem(self.create(), 502, "source_unavailable", "stall_timeout")
        self.assert_nothing_visible()
        self.assert_fetched()
        self.assertEqual(self.fetches()[-1].headers.get("range"), f"bytes={MIB + 1}-")

    def test_an_endless_body_ends_at_the_size_of_the_record(self):
        self.start(basecache={"max_image_bytes": 64 * MIB})  # so that a failing test doesn't fill the disk
        self.script(faults.endless())
        self.assert_fails_once(422, "image_unacceptable", str(len(self.content)))
        self.assertLess(self.sent(), 2 * len(self.content) + 8 * MIB)

    def test_a_body_that_only_trickles_has_stalled(self):
        self.start({"num_retries": 0}, {"stall_timeout": 1})
        self.script(faults.slow(100))
        self.assert_fails_once(502, "source_unavailable", "stall_timeout")

    def test_a_record_without_an_end_is_none(self):
        self.start({"num_retries": 0})
        self.registry.misbehave("GET", self.image.path, faults.endless())
        self.assert_fails_once(502, "source_unavailable", self.image.id)
        self.assertLess(self.registry.sent[self.image.path], 64 * MIB)

    def test_an_endless_body_of_no_known_size_ends_at_the_limit(self):
        self.start(basecache={"max_image_bytes": 4 * MIB})
        self.image.record.update(size=1 << 40)
        self.script(faults.endless(), times=None)
        self.assert_problem(self.create(), 422, "image_unacceptable", "max_image_bytes")
        self.assert_nothing_visible()
        self.assertLess(self.sent(), 16 * MIB)
        self.registry.behave()
        self.image.put(self.content)
        self.assert_fetched()

    def test_an_image_beyond_the_limit_is_not_taken(self):
        self.start(basecache={"max_image_bytes": MIB})
        self.assert_problem(self.create(), 422, "image_unacceptable", "max_image_bytes")
        self.assert_nothing_visible()
        self.assertLess(self.sent(), MIB)
        self.restart()
        self.assert_fetched()

    def test_more_promised_than_the_record_says_is_refused_before_it_is_fetched(self):
        self.start()
        self.script(faults.length_off(+1000), times=None)
        self.assert_fails_once(422, "image_unacceptable", str(len(self.content) + 1000), str(len(self.content)))

    def assert_not_the_image(self, fault: faults.Fault, size: int) -> None:
        """A whole body of another size: asked for once, and both sizes are told."""
        self.start()
        self.script(fault)
        self.assert_fails_once(422, "image_unacceptable", str(size), str(len(self.content)))
        self.assertEqual(len(self.fetches()), 2)
        self.assertIsNone(self.fetches()[1].headers.get("range"))

    def test_less_promised_than_the_record_says_is_noticed(self):
        self.assert_not_the_image(faults.length_off(-1000), len(self.content) - 1000)

    def test_a_shorter_body_honestly_announced_is_not_the_image(self):
        self.assert_not_the_image(faults.other_bytes(self.content[:-1000]), len(self.content) - 1000)

    def test_a_longer_body_honestly_announced_is_not_the_image(self):
        self.assert_not_the_image(faults.other_bytes(self.content + b"more"), len(self.content) + 4)

    def test_a_compressed_body_is_refused(self):
        self.start()
        self.script(faults.gzip())
        self.assert_fails_once(422, "image_unacceptable", "gzip")
        self.assertEqual(len(self.fetches()), 2)
        for request in self.fetches():
            self.assertNotIn("accept-encoding", request.headers)

    def test_a_wrong_hash_is_not_retried(self):
        self.start({"num_retries": 3})
        wrong = bytes(len(self.content))
        self.script(faults.other_bytes(wrong))
        promised = self.image.record["os_hash_value"]
        self.assert_fails_once(422, "checksum_mismatch", promised)
        self.assertEqual(len(self.fetches()), 2)
        self.assertIsNone(self.fetches()[1].headers.get("range"))

    def test_a_web_page_in_place_of_the_image_is_refused(self):
        self.start()
        self.script(faults.status(200, b"<html>Sign in</html>", Content_Type="text/html"))
        self.assert_fails_once(422, "image_unacceptable", "web page")
        self.assertEqual(len(self.fetches()), 2)


class Crumbs(RegistryStory):
    content_size = 64 * KIB

    def test_one_byte_a_packet_makes_the_image(self):
        self.start()
        self.script(faults.crumbs(1))
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 1)

    def test_one_byte_a_chunk_makes_the_image(self):
        self.start()
        self.script(faults.chunked(1))
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
