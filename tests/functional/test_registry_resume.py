"""Going on with a transfer that broke, against a registry that changes its mind or lies: never two images in one."""

import os
import unittest

import scripted_registry_faults as faults
from harness import KIB, MIB
from registry_story import RegistryStory


class Resume(RegistryStory):
    content_size = 4 * MIB

    def ranges(self) -> list:
        return [request.headers.get("range") for request in self.fetches()]

    def start_cut(self, retries: int = 2) -> None:
        """A daemon whose first transfer breaks off behind two MiB."""
        self.start({"num_retries": retries})
        self.script(faults.cut(2 * MIB))

    def without_promise(self, etag: str | None = "one") -> None:
        """A record without a hash: all that tells one version of the bytes from another is the server's validator."""
        self.image.record.update(os_hash_algo=None, os_hash_value=None, checksum=None)
        self.image.etag = etag

    def test_a_connection_that_drops_twenty_times_brings_every_byte_once(self):
        step = self.content_size // 21
        self.start({"num_retries": 1})
        self.script(faults.cut(step), times=20)
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, *(f"bytes={step * drop}-" for drop in range(1, 21))])
        self.assertLess(self.sent(), 1.1 * self.content_size)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a /proc of its own")
    def test_a_service_that_is_shown_nothing_but_processes_goes_on_too(self):
        """As systemd's ProcSubset=pid does it: nothing tells which boot it is."""
        hidden = 'mount -t proc -o subset=pid proc /proc && exec "$0" "$@"'
        self.start({"num_retries": 2}, wrapper=["unshare", "--mount", "sh", "-c", hidden])
        self.script(faults.cut(2 * MIB))
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])

    def test_the_hash_of_the_record_says_that_it_is_the_same_image(self):
        self.start_cut()
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])
        self.assertNotIn("if-range", self.fetches()[1].headers)  # it holds at any server, whatever its validator

    def test_without_a_hash_the_validator_is_asked_for(self):
        self.without_promise()
        self.start_cut()
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])
        self.assertEqual(self.fetches()[1].headers["if-range"], '"one"')

    def test_without_hash_and_validator_it_begins_anew(self):
        self.without_promise(etag=None)
        self.start_cut()
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, None])

    def test_a_changed_validator_begins_anew(self):
        self.without_promise()
        self.start_cut()
        other = os.urandom(self.content_size)
        self.script(faults.no_range(), faults.etag("two"), faults.other_bytes(other))
        self.assert_fetched(content=other)
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])

    def test_a_changed_validator_in_a_206_is_not_mixed(self):
        self.without_promise()
        self.start_cut()
        self.script(faults.etag("two"))
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def test_200_to_a_range_begins_anew(self):
        self.start_cut()
        self.script(faults.no_range())
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])
        self.assertEqual(self.sent(), 6 * MIB)

    def test_416_begins_anew(self):
        self.start_cut()
        self.script(faults.status(416, Content_Range=f"bytes */{MIB}"))
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def test_a_lying_content_range_begins_anew(self):
        size = self.content_size
        lies = (f"bytes 0-{size // 2 - 1}/{size}", f"bytes {2 * MIB}-{size - 1}/{size + 1}",
                f"bytes {2 * MIB}-{size - 2}/{size}", "bytes nonsense")
        self.start({"num_retries": 2})
        for lie in lies:
            with self.subTest(lie):
                self.image = self.registry.add_image(self.content, disk_format="raw")
                self.script(faults.cut(2 * MIB))
                self.script(faults.content_range(lie))
                self.assert_fetched()
                self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def test_other_bytes_under_an_honest_range_are_fetched_anew_once(self):
        self.start_cut()
        self.script(faults.other_bytes(os.urandom(2 * MIB)))
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def damaged(self, length: int) -> faults.Fault:
        """Bytes that aren't the image's, cut off behind that many."""
        bad = os.urandom(self.content_size)
        return faults.Fault(instead=lambda _: faults.Answer(200, {}, bad), sends=faults.cut(length).sends)

    def test_a_location_that_sends_damaged_bytes_and_breaks_off_does_not_keep_the_registry_from_serving(self):
        self.start({"num_retries": 2, "allowed_direct_url_schemes": "http"})
        self.image.record["locations"] = [{"url": self.registry.url("/store"), "metadata": {}}]
        self.registry.misbehave("GET", "/store", self.damaged(2 * MIB), times=None)
        self.assert_fetched()
        self.assertEqual(self.ranges()[-1], None)

    def test_nor_does_one_damaged_server_keep_another_from_it(self):
        other = self.started_registry()
        other.wants_token = False
        image = other.add_image(self.content, id=self.image.id, disk_format="raw")
        other.misbehave("GET", image.file_path, self.damaged(2 * MIB), times=None)
        self.start({"num_retries": 2, "api_servers": f"{self.registry.address},{other.address}"})
        while not other.asked("GET", image.file_path):  # they are asked in any order
            self.assert_fetched()
            self.base_file(image.id).unlink()

    def test_a_drop_too_early_to_count_uses_up_the_attempts(self):
        self.start({"num_retries": 1})
        self.script(faults.cut(KIB), times=2)
        self.assert_fails_once(502, "source_unavailable", "2 attempts")
        self.assertEqual(len(self.fetches()), 3)

    def test_the_next_request_goes_on_where_the_last_one_gave_up(self):
        self.start_cut(retries=0)
        self.assert_problem(self.create(), 502, "source_unavailable")
        self.assert_nothing_visible()
        self.assertEqual(len(self.journals()), 1)
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-"])

    def test_an_image_that_changed_at_the_registry_since_is_not_mixed(self):
        self.start_cut(retries=0)
        self.assert_problem(self.create(), 502, "source_unavailable")
        other = os.urandom(self.content_size)
        self.image.put(other)
        self.assert_fetched(content=other)
        self.assertEqual(self.ranges(), [None, None])

    def test_a_range_that_is_refused_is_not_asked_for_by_the_next_request(self):
        self.start_cut(retries=0)
        self.assert_problem(self.create(), 502, "source_unavailable")
        self.script(faults.status(416))
        self.assert_problem(self.create(), 502, "source_unavailable", "416", "begins anew")
        self.assert_nothing_visible()
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def refused_range(self, *refusal: faults.Fault) -> None:
        """A transfer that broke off, then a request that must get round how its rest is refused."""
        self.image = self.registry.add_image(self.content, disk_format="raw")
        self.script(faults.cut(2 * MIB))
        self.assert_problem(self.create(), 502, "source_unavailable")
        self.script(*refusal)
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None])

    def test_whoever_refuses_ranges_in_another_way_is_asked_for_the_whole(self):
        self.start({"num_retries": 0})
        for code in (400, 403, 404, 500, 501):
            with self.subTest(code):
                self.refused_range(faults.status(code))
        with self.subTest("gzip"):
            self.refused_range(faults.gzip())
        with self.subTest("web page"):
            self.refused_range(faults.header("Content-Type", "text/html"))

    def test_an_image_that_is_gone_with_a_range_and_without_is_gone(self):
        self.start_cut(retries=0)
        self.assert_problem(self.create(), 502, "source_unavailable")
        self.script(faults.status(404), times=2)
        self.assert_problem(self.create(), 404, "image_not_found")
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, f"bytes={2 * MIB}-", None, f"bytes={2 * MIB}-"])

    def test_more_bytes_than_the_image_has_are_not_gone_on_with(self):
        self.start({"num_retries": 0})
        self.script(faults.other_bytes(self.content + os.urandom(4 * MIB)), faults.cut(self.content_size + 2 * MIB))
        self.assertGreaterEqual(self.create().status, 400)
        self.assert_nothing_visible()
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, None])

    def test_a_broken_journal_begins_anew(self):
        self.start_cut(retries=0)
        self.assert_problem(self.create(), 502, "source_unavailable")
        journal, = self.journals()
        journal.write_bytes(journal.read_bytes()[:20])
        self.assert_fetched()
        self.assertEqual(self.ranges(), [None, None])


if __name__ == "__main__":
    unittest.main(verbosity=2)
