"""Being let in, and where the image service is: tokens that end, a Keystone that is ill, catalogs, several servers."""

import unittest

import scripted_registry_faults as faults
from harness import MIB
from registry_story import RETRIED, UNRESOLVABLE, RegistryStory, closed_address
from scripted_registry import TOKENS


class Tokens(RegistryStory):
    def asked_for_tokens(self) -> int:
        return len(self.registry.asked("POST", TOKENS))

    def test_one_token_serves_many_requests(self):
        self.start()
        self.assert_fetched()
        other = self.registry.add_image(self.content, disk_format="raw")
        self.assert_fetched(other)
        self.assertEqual(self.asked_for_tokens(), 1)

    def test_a_revoked_token_is_renewed_once(self):
        self.start()
        self.assert_fetched()
        self.registry.revoke_tokens()
        other = self.registry.add_image(self.content, disk_format="raw")
        self.assert_fetched(other)
        self.assertEqual(self.asked_for_tokens(), 2)
        self.assertEqual(len(self.registry.asked("GET", other.path)), 2)

    def test_a_token_revoked_in_the_middle_is_renewed_and_the_transfer_goes_on(self):
        self.start()
        self.script(faults.cut(MIB))
        self.script(faults.status(401))
        self.assert_fetched()
        self.assertEqual(self.asked_for_tokens(), 2)
        self.assertEqual([request.headers.get("range") for request in self.fetches()],
                         [None, f"bytes={MIB}-", f"bytes={MIB}-"])

    def test_401_of_the_record_is_an_error_after_one_renewal(self):
        self.start()
        self.registry.misbehave("GET", self.image.path, faults.status(401), times=None)
        self.assert_fails_once(502, "source_unauthorized", "401", self.image.id)
        self.assertEqual(len(self.registry.asked("GET", self.image.path)), 3)

    def test_401_of_the_data_is_an_error_after_one_renewal(self):
        self.start()
        self.script(faults.status(401), times=None)
        self.assert_fails_once(502, "source_unauthorized", "401")
        self.assertEqual(len(self.fetches()), 3)
        self.assertEqual(self.asked_for_tokens(), 2)

    def test_an_expired_token_is_not_even_tried(self):
        self.registry.token_seconds = -10
        self.start()
        self.assert_created(self.create())
        self.assertGreater(self.asked_for_tokens(), 1)

    def test_an_application_credential_lets_us_in(self):
        identity, secret = self.registry.application_credential
        self.who = {"auth_type": "v3applicationcredential", "auth_url": self.registry.auth_url,
                    "application_credential_id": identity, "application_credential_secret": secret}
        self.start()
        self.assert_fetched()


class SickKeystone(RegistryStory):
    def assert_no_token(self, *what: faults.Fault, code: str = "source_unavailable", words: tuple = ()) -> None:
        """Asked in vain; the registry's images are not asked for."""
        self.start()
        self.registry.misbehave("POST", TOKENS, *what, times=None)
        self.assert_problem(self.create(), 502, code, "Keystone", self.registry.auth_url, *words)
        self.assert_nothing_visible()
        self.assertEqual(self.registry.asked("GET", self.image.path), [])
        self.registry.behave()
        self.assert_fetched()

    def test_keystone_down_is_named(self):
        taken, address = closed_address()
        with taken:
            self.start(identity={"auth_url": address + "/v3"})
            self.assert_problem(self.create(), 502, "source_unavailable", "Keystone", address)
        self.assert_nothing_visible()
        self.restart()
        self.assert_fetched()

    def test_500_is_asked_again_then_told(self):
        self.assert_no_token(faults.status(500, **RETRIED), words=("status 500",))
        self.assertEqual(len(self.registry.asked("POST", TOKENS)), 3)

    def test_503_then_a_token(self):
        self.start()
        self.registry.misbehave("POST", TOKENS, faults.status(503, **RETRIED))
        self.assert_fetched()
        self.assertEqual(len(self.registry.asked("POST", TOKENS)), 2)

    def test_silence_is_given_up(self):
        self.start({"num_retries": 0}, {"stall_timeout": 1})
        self.registry.misbehave("POST", TOKENS, faults.silence())
        self.assert_fails_once(502, "source_unavailable", "Keystone", self.registry.auth_url)

    def test_a_token_without_an_end_is_none(self):
        self.start({"num_retries": 0})
        self.registry.misbehave("POST", TOKENS, faults.endless())
        self.assert_fails_once(502, "source_unavailable", "Keystone")
        self.assertLess(self.registry.sent[TOKENS], 64 * MIB)

    def test_nonsense_is_no_token(self):
        self.assert_no_token(faults.status(201, b"nonsense", X_Subject_Token="nonsense"), words=("not a token",))

    def test_a_web_page_is_no_token(self):
        self.assert_no_token(faults.status(200, b"<html>Welcome</html>", Content_Type="text/html"))

    def test_a_token_without_its_header_is_none(self):
        self.assert_no_token(faults.header("X-Subject-Token", None), words=("not a token",))

    def test_404_is_told(self):
        self.assert_no_token(faults.status(404), words=("auth_url",))

    def test_a_wrong_password_is_told_and_asked_once(self):
        self.start(identity={"password": "guess"})
        problem = self.assert_problem(self.create(), 502, "source_unauthorized", "Keystone", "nova")
        self.assertNotIn("guess", str(problem))
        self.assertEqual(len(self.registry.asked("POST", TOKENS)), 1)
        self.restart()
        self.assert_fetched()


class Catalog(RegistryStory):
    def assert_not_in_catalog(self, catalog: list, *words: str) -> None:
        self.registry.catalog = catalog
        self.start()
        self.assert_problem(self.create(), 502, "source_unavailable", "catalog", *words)
        self.assert_nothing_visible()
        self.registry.catalog = None
        self.restart()
        self.assert_fetched()

    def test_without_an_image_service_says_what_it_has(self):
        self.assert_not_in_catalog([self.registry.service(kind="volumev3")], "image", "volumev3")

    def test_empty_says_that_a_project_is_missing(self):
        self.assert_not_in_catalog([], "empty", "project_name")

    def test_of_another_region_says_which(self):
        self.assert_not_in_catalog([self.registry.service(region="RegionTwo")], "RegionOne", "RegionTwo")


class SeveralServers(RegistryStory):
    """All with the same images and tokens, as behind one catalog."""

    content_size = 4 * MIB

    def setUp(self) -> None:
        super().setUp()
        self.second = self.started_registry()
        self.second.images, self.second.tokens = self.registry.images, self.registry.tokens

    def start_with(self, *servers: str, **glance) -> None:
        self.start({"api_servers": ", ".join(servers), **glance})

    def test_a_dead_one_is_passed_over_at_once(self):
        taken, dead = closed_address()
        self.start_with(dead, self.second.address, num_retries=1)
        with taken:
            for _ in range(6):  # whichever comes first
                image = self.registry.add_image(self.content, disk_format="raw")
                self.assert_fetched(image)
        self.assertEqual(self.registry.asked("GET", self.image.path), [])

    def test_one_that_nobody_can_resolve_is_passed_over(self):
        self.start_with(UNRESOLVABLE, self.second.address)
        for _ in range(4):
            self.assert_fetched(self.registry.add_image(self.content, disk_format="raw"))

    def test_the_second_one_goes_on_where_the_first_one_broke_off(self):
        self.start_with(self.registry.address, self.second.address)
        for registry in (self.registry, self.second):
            registry.misbehave("GET", self.image.file_path, faults.cut(3 * MIB))  # the rest is shorter
        self.assert_fetched()
        ranges = [request.headers.get("range") for request in self.fetches() + self.fetches(self.second)]
        self.assertCountEqual(ranges, [None, f"bytes={3 * MIB}-"])
        self.assertEqual((len(self.fetches()), len(self.fetches(self.second))), (1, 1))
        self.assertEqual(self.sent() + self.second.sent[self.image.file_path], self.content_size)

    def test_a_sick_one_is_passed_over_at_once(self):
        for code in (500, 503):
            with self.subTest(code):
                image = self.registry.add_image(self.content, disk_format="raw")
                self.registry.misbehave("GET", image.path, faults.status(code), times=None)
                self.registry.misbehave("GET", image.file_path, faults.status(code), times=None)
                self.start_with(self.registry.address, self.second.address)
                self.assert_fetched(image)
                self.running.stop()

    def test_all_dead_is_told_with_the_number_of_attempts(self):
        taken, dead = closed_address()
        other, dead_too = closed_address()
        with taken, other:
            self.start_with(dead, dead_too, num_retries=2)
            self.assert_problem(self.create(), 502, "source_unavailable", "3 attempts")
        self.assert_nothing_visible()
        self.restart()
        self.assert_fetched()

    def test_a_missing_image_is_missing_at_all(self):
        self.start_with(self.registry.address, self.second.address)
        del self.registry.images[self.image.id]
        self.assert_problem(self.create(), 404, "image_not_found", self.image.id)
        asked = self.registry.asked("GET", self.image.path) + self.second.asked("GET", self.image.path)
        self.assertEqual(len(asked), 1)


class ImageStatus(RegistryStory):
    WORDS = {"queued": (502, "source_unavailable", "nothing has been uploaded"),
             "saving": (502, "source_unavailable", "still being uploaded"),
             "uploading": (502, "source_unavailable", "uploaded to be imported"),
             "importing": (502, "source_unavailable", "still being imported"),
             "killed": (422, "image_unacceptable", "upload failed"),
             "deleted": (404, "image_not_found", "has been deleted"),
             "pending_delete": (404, "image_not_found", "about to be removed"),
             "deactivated": (502, "source_unauthorized", "administrator has deactivated")}

    def test_each_that_is_not_active_has_its_own_words(self):
        self.start()
        for status, (code, name, words) in self.WORDS.items():
            with self.subTest(status):
                self.image.record["status"] = status
                self.assert_problem(self.create(), code, name, words, status, self.image.id)
                self.assert_nothing_visible()
        self.assertEqual(self.fetches(), [])
        self.image.record["status"] = "active"
        self.assert_fetched()

    def test_active_without_size_has_no_data(self):
        self.start()
        image = self.registry.add_image(None, status="active", disk_format="raw")
        self.assert_problem(self.create(image), 502, "source_unavailable", "no data", image.id)
        image.put(self.content)
        self.assert_fetched(image)

    def test_deactivated_between_record_and_data_is_refused(self):
        self.start()
        self.script(faults.status(403))
        self.assert_fails_once(502, "source_unauthorized", "403")

    def test_a_record_that_is_no_record_is_told(self):
        self.start()
        for body in (b"nonsense", b"[]", b'{"id": 5}', b""):
            with self.subTest(body):
                self.registry.misbehave("GET", self.image.path, faults.status(200, body))
                self.assert_problem(self.create(), 502, "source_unavailable", "record of an image")
                self.assert_nothing_visible()
        self.assert_fetched()


if __name__ == "__main__":
    unittest.main(verbosity=2)
