"""A registry from before 2014: images by HEAD and GET of /v1, or with their records in the old registry's JSON."""

import unittest

import scripted_registry_faults as faults
from harness import MIB
from registry_story import RegistryStory


class Version1(RegistryStory):
    def start_v1(self, registry_servers: str = "", **basecache) -> None:
        self.start({"api_version": 1, "registry_servers": registry_servers, "num_retries": 2}, basecache)

    def fetches(self, registry=None) -> list:
        return (registry or self.registry).asked("GET", self.image.v1_path)

    def script(self, *what: faults.Fault, times: int | None = 1) -> None:
        self.registry.misbehave("GET", self.image.v1_path, *what, times=times)

    def test_an_image_comes_by_head_and_get(self):
        self.start_v1()
        self.assert_fetched()
        image_requests = [request for request in self.registry.requests if "images" in request.path]
        self.assertEqual([(request.method, request.path) for request in image_requests],
                         [("HEAD", self.image.v1_path), ("GET", self.image.v1_path)])

    def test_the_record_comes_from_the_old_registry(self):
        records = self.started_registry()
        records.images, records.tokens = self.registry.images, self.registry.tokens
        self.start_v1(records.address)
        self.assert_fetched()
        self.assertEqual([request.path for request in records.requests], [f"/images/{self.image.id}"])
        self.assertIn("x-auth-token", records.requests[0].headers)
        self.assertEqual(self.registry.asked("HEAD", self.image.v1_path), [])

    def test_a_transfer_that_breaks_off_ends_whole(self):
        self.start_v1()
        self.script(faults.cut(MIB))
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 2)

    def test_a_missing_image_is_missing(self):
        self.start_v1()
        del self.registry.images[self.image.id]
        self.assert_problem(self.create(), 404, "image_not_found", self.image.id)
        self.assert_nothing_visible()
        self.registry.images[self.image.id] = self.image
        self.assert_fetched()

    def test_an_image_that_is_not_active_is_not_asked_for(self):
        self.start_v1()
        for status, words in (("queued", "nothing has been uploaded"), ("killed", "upload failed"),
                              ("deleted", "has been deleted"), ("pending_delete", "about to be removed")):
            with self.subTest(status):
                self.image.record["status"] = status
                self.assertIn(words, self.create().body["detail"])
        self.assertEqual(self.fetches(), [])
        self.image.record["status"] = "active"
        self.assert_fetched()

    def test_a_wrong_size_is_noticed(self):
        self.start_v1()
        self.script(faults.other_bytes(self.content[:MIB]))
        self.assert_fails_once(422, "image_unacceptable", str(len(self.content)))

    def test_a_wrong_md5_is_noticed_where_md5_is_allowed(self):
        self.start_v1(allow_md5="true")
        self.script(faults.other_bytes(bytes(len(self.content))))
        self.assert_fails_once(422, "checksum_mismatch", self.image.record["checksum"])
        self.assertEqual(len(self.fetches()), 2)

    def test_properties_reach_the_disks(self):
        self.image.record["properties"] = {"os_type": "windows"}
        self.start_v1()
        self.assert_created(self.create(flavor={"root_gb": 1, "ephemeral_gb": 1}))
        self.assertTrue(list(self.base.glob("ephemeral_1_*")), list(self.base.iterdir()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
