"""An image that was refused for what it is: the next request for it is answered without a download."""

import json
import unittest

import images
from harness import cache_key
from registry_story import RegistryStory


class Refusals(RegistryStory):
    def setUp(self) -> None:
        super().setUp()
        self.image = self.registry.add_image(images.with_backing_file())

    def refused(self) -> dict:
        return self.assert_problem(self.create(), 422, "image_unacceptable", "backing file")

    def test_a_hostile_image_that_is_asked_for_twice_is_fetched_once(self):
        self.start()
        first, second = self.refused(), self.refused()
        self.assertEqual(len(self.fetches()), 1)
        self.assertEqual(second["fields"], first["fields"])
        self.assertIn("found at 20", second["detail"])
        self.assertIn(f"cache remove {cache_key(self.image.id)}", second["hint"])

    def test_a_restarted_daemon_remembers(self):
        self.start()
        self.refused()
        self.restart()
        self.refused()
        self.assertEqual(len(self.fetches()), 1)

    def test_it_is_fetched_again_when_the_registry_has_another_image(self):
        self.start()
        self.refused()
        self.image.put(images.qcow2())
        self.assert_created(self.create())
        self.assert_published(self.image.id)
        self.assertEqual(len(self.fetches()), 2)
        self.assertEqual(list((self.base / ".basecache/refusals").iterdir()), [])

    def test_it_is_fetched_again_when_the_registry_says_another_format(self):
        self.start()
        self.refused()
        self.image.record["disk_format"] = "vmdk"
        self.assertEqual(self.create().status, 422)
        self.assertEqual(len(self.fetches()), 2)

    def test_it_is_fetched_again_after_cache_remove(self):
        self.start()
        self.refused()
        key = cache_key(self.image.id)
        self.assertEqual(self.client.request("DELETE", f"/v1/cache/{key}").body, {"key": key, "freed_bytes": 0})
        self.assert_problem(self.client.request("DELETE", f"/v1/cache/{key}"), 404, "not_found")
        self.refused()
        self.assertEqual(len(self.fetches()), 2)

    def test_an_old_refusal_goes_with_the_prune(self):
        self.start()
        self.refused()
        self.assertEqual(self.client.prune()["refusals_forgotten"], 0)
        self.grow_old(self.base / ".basecache/refusals" / f"{cache_key(self.image.id)}.json")
        self.assertEqual(self.client.prune(dry_run=True)["refusals_forgotten"], 0)
        self.assertEqual(self.client.prune()["refusals_forgotten"], 1)
        self.refused()
        self.assertEqual(len(self.fetches()), 2)

    def test_a_damaged_note_of_a_refusal_is_ignored(self):
        self.start()
        self.refused()
        note = self.base / ".basecache/refusals" / f"{cache_key(self.image.id)}.json"
        impossible = {**json.loads(note.read_text()), "found": 2**62}
        for fetches, damaged in enumerate(("{", json.dumps(impossible)), 2):
            note.write_text(damaged)
            self.refused()
            self.assertEqual(len(self.fetches()), fetches)

    def test_an_image_that_was_too_large_is_taken_when_the_limit_is_raised(self):
        self.image.put(images.qcow2())
        self.start(basecache={"max_virtual_size": "1MiB"})
        for _ in range(2):
            self.assert_problem(self.create(), 422, "image_unacceptable", "more than 1 MiB")
        self.restart()
        self.assert_created(self.create())


if __name__ == "__main__":
    unittest.main(verbosity=2)
