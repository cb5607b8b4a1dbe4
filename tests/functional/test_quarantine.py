"""Base files that must not be used any more: rotten ones, and those that newer rules refuse."""

import json
import shutil
import subprocess
import unittest
from pathlib import Path

import images
from harness import CLI, PATIENCE, cache_key, creation, new_uuid
from image_server import status
from image_story import ImageStory


class QuarantineStory(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        _, self.client = self.daemon()
        self.url = self.serve(images.qcow2())
        self.key = cache_key(self.url)

    def precache(self, url: str | None = None) -> dict:
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": url or self.url})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.body

    def fetches(self, path: str = "/image") -> int:
        return self.server.gets[path]

    def change_record(self, key: str | None = None, **changes) -> None:
        """None takes a field out, as if an older version had written the record."""
        path = self.base / ".basecache/records" / f"{key or self.key}.json"
        record = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({name: value for name, value in record.items() if value is not None}))

    def write_into(self, base: Path, content: bytes, at: int = 0) -> None:
        with open(base, "r+b") as file:
            file.seek(at)
            file.write(content)

    def rot(self, base: Path) -> None:
        with open(base, "r+b") as file:
            file.seek(4096)
            byte = file.read(1)[0]
            file.seek(4096)
            file.write(bytes([byte ^ 1]))

    def become_dangerous(self, base: Path) -> None:
        """As if older rules had let it pass: it looks like a disk with a backing file."""
        self.write_into(base, images.with_backing_file().read_bytes())
        self.change_record(rules=None)

    def quarantined(self) -> list[str]:
        return sorted(path.name for path in (self.base / ".basecache/quarantine").iterdir())

    def sentence(self, name: str | None = None) -> dict:
        return json.loads((self.base / ".basecache/quarantine" / f"{name or self.key}.json").read_text())

    def entry(self, key: str | None = None) -> dict:
        return self.client.get(f"/v1/cache/{key or self.key}").body


class OlderRules(QuarantineStory):
    """Of what was published as it came, the base file itself is inspected."""

    def setUp(self) -> None:
        super().setUp()
        self.url = self.serve(images.raw())

    def test_a_base_file_of_older_rules_is_inspected_again_before_its_next_use(self):
        self.precache()
        current = self.entry()["rules"]
        self.assertGreater(current, 0)
        self.change_record(rules=None)
        self.assertEqual(self.entry()["rules"], 0)
        again = self.precache()
        self.assertEqual((again["how"], [step["name"] for step in again["steps"]].count("inspect")), ("hit", 1))
        self.assertEqual(self.entry()["rules"], current)
        self.assertNotIn("inspect", [step["name"] for step in self.precache()["steps"]])
        self.assertEqual(self.fetches(), 1)

    def test_one_that_fails_now_goes_to_quarantine_and_its_image_is_fetched_again(self):
        self.precache()
        base = self.base_file(self.url)
        self.become_dangerous(base)
        bad = base.read_bytes()
        answer = self.client.create(new_uuid(), creation(self.url, 1))
        self.assert_created(answer)
        self.assertTrue(any("quarantine" in note for note in answer.body["notes"]), answer.body)
        self.assertEqual(self.fetches(), 2)
        self.assert_published(self.url)
        self.assertEqual(self.quarantined(), [self.key, f"{self.key}.json"])
        self.assertTrue((self.base / ".basecache/quarantine" / self.key).read_bytes() == bad)
        sentence = self.sentence()
        self.assertEqual((sentence["key"], sentence["origin"], sentence["rules"]), (self.key, self.url, 0))
        self.assertIn("backing_file", [finding["check"] for finding in sentence["findings"]])
        self.assertEqual([file["key"] for file in self.client.get("/v1/cache").body["quarantine"]], [self.key])
        self.assertIn("event=base_file_quarantined", self.daemons[0].text())
        self.assertIn("in quarantine", self.cli("--socket", self.scratch / "agent.sock", "cache", "list").out)

    def test_one_that_an_instance_stands_on_stays_for_it_and_no_request_gets_it(self):
        uuid = new_uuid()
        self.assert_created(self.client.create(uuid, creation(self.url, 1)))
        base = self.base_file(self.url)
        self.become_dangerous(base)
        for _ in range(2):
            self.assert_problem(self.client.create(new_uuid(), creation(self.url, 1)), 409, "in_use", uuid, "backing file")
        self.assertTrue(base.exists())
        self.assertIn("backing file", self.entry()["unfit"])
        self.assertEqual((self.quarantined(), self.fetches()), ([], 1))
        self.client.delete(uuid)
        self.assert_created(self.client.create(new_uuid(), creation(self.url, 1)))
        self.assert_published(self.url)
        self.assertEqual((len(self.quarantined()), self.fetches(), self.entry()["unfit"]), (2, 2, None))


class OlderRulesOfWhatWasConverted(QuarantineStory):
    """The rules are for the bytes that it was made from, so those are fetched again."""

    def test_the_same_image_is_fetched_and_inspected_again_and_its_base_file_stays(self):
        self.precache()
        before = self.base_file(self.url).stat().st_ino
        current = self.entry()["rules"]
        self.change_record(rules=None, content_digest=None)
        again = self.precache()
        self.assertEqual((again["how"], self.fetches(), self.entry()["rules"]), ("hit", 2, current))
        self.assertIn("fetched again to be inspected", again["notes"][0])
        self.assertEqual(self.base_file(self.url).stat().st_ino, before)
        self.assertTrue(self.entry()["content_digest"])
        self.assertEqual((self.precache()["how"], self.fetches()), ("hit", 2))
        self.assert_nothing_staged()

    def test_an_image_that_became_another_one_takes_its_place(self):
        self.precache()
        self.change_record(rules=None)
        self.serve(images.other_raw())
        self.assertEqual(self.precache()["how"], "built")
        self.assert_published(self.url, images.other_raw())
        self.assertIn("can't be inspected any more", self.sentence()["reason"])

    def test_an_image_that_is_refused_now_leaves_nothing_to_be_used(self):
        self.precache()
        self.change_record(rules=None)
        self.serve(images.with_backing_file())
        self.assert_problem(self.client.create(new_uuid(), creation(self.url, 1)), 422, "image_unacceptable", "backing file")
        self.assertEqual((self.quarantined(), self.visible_base_files()), ([self.key, f"{self.key}.json"], []))

    def test_while_the_image_cannot_be_fetched_its_base_file_waits(self):
        self.precache()
        self.change_record(rules=None)
        self.server.serve("/image", status(403))
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": self.url})
        self.assert_problem(answer, 502, "source_unauthorized", "cannot inspect base file", "again")
        self.assertEqual((self.entry()["unfit"], self.quarantined()), (None, []))
        self.assertTrue(self.base_file(self.url).exists())


class Tidied(QuarantineStory):
    """Somebody cleans up below .basecache while the daemon runs."""

    def verify(self) -> str:
        return self.client.request("POST", f"/v1/cache/{self.key}/verify", {}).body["state"]

    def test_directories_that_were_removed_are_missed_by_nobody(self):
        self.precache()
        state = self.base / ".basecache"
        for gone in ("quarantine", "unfit", "refusals", "pins", "records", "transfers", "locks"):
            shutil.rmtree(state / gone)
        self.assertEqual(self.client.get("/v1/cache").body["quarantine"], [])
        self.assertEqual(self.client.prune()["removed"], 0)
        self.assert_created(self.client.create(new_uuid(), creation(self.url, 1, images_type="raw")))
        self.assertEqual(self.client.request("PUT", f"/v1/cache/{self.key}/pin", {"reason": "golden"}).status, 200)
        self.rot(self.base_file(self.url))
        self.assertEqual(self.verify(), "rotten")
        self.assertEqual(len(self.quarantined()), 2)
        self.assertEqual(self.precache()["how"], "built")

    def test_odd_files_hide_no_others(self):
        self.precache()
        self.rot(self.base_file(self.url))
        self.assertEqual(self.verify(), "rotten")
        quarantine = self.base / ".basecache/quarantine"
        (quarantine / "dangling").symlink_to("/nonexistent")
        (quarantine / "directory").mkdir()
        (quarantine / "notes").write_text("mine")
        (quarantine / "notes.json").mkdir()
        listed = self.client.get("/v1/cache").body["quarantine"]
        self.assertEqual([(file["name"], bool(file["reason"])) for file in listed], [(self.key, True), ("notes", False)])


class Rot(QuarantineStory):
    def verify(self, *arguments, standalone: bool = False):
        where = ("--standalone",) if standalone else ("--socket", self.scratch / "agent.sock")
        return self.cli(*where, "--json", "cache", "verify", *arguments)

    def states(self, result) -> dict[str, str]:
        return {file["key"]: file["state"] for file in result.json["files"]}

    def test_a_flipped_byte_is_found_and_the_next_request_fetches_the_image_again(self):
        self.precache()
        self.rot(self.base_file(self.url))
        for standalone in (True, False):
            with self.subTest(standalone=standalone):
                if self.quarantined():
                    self.precache()
                    self.rot(self.base_file(self.url))
                done = self.verify(self.key, standalone=standalone)
                self.assertEqual((done.code, self.states(done), done.json["rotten"]), (3, {self.key: "rotten"}, 1), done)
                self.assertFalse(self.base_file(self.url).exists())
        self.assertEqual(self.precache()["how"], "built")
        self.assert_published(self.url)
        self.assertEqual(self.quarantined(), [self.key, f"{self.key}.2", f"{self.key}.2.json", f"{self.key}.json"])
        self.assertEqual(self.sentence()["content_digest"], self.entry()["content_digest"])
        self.assertEqual(self.verify(self.key).code, 0)

    def verify_on_failing_disk(self, error: str):
        """As if the disk below the base file answered each read of it with that error."""
        command = ["strace", "-f", "-qq", "-o", self.scratch / "reads", "-P", self.base_file(self.url), "-e", "trace=pread64",
                   "-e", f"inject=pread64:error={error}", CLI, "--config", self.config(), "--standalone", "--json", "cache",
                   "verify", self.key]
        return subprocess.run(command, env=self.environment(), text=True, capture_output=True, timeout=PATIENCE)

    @unittest.skipUnless(shutil.which("strace"), "strace isn't installed (tools/install-packages.sh test)")
    def test_a_base_file_with_a_bad_sector_is_rotten(self):
        self.precache()
        done = self.verify_on_failing_disk("EIO")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("Input/output error", json.loads(done.stdout)["files"][0]["detail"])
        self.assertIn("Input/output error", self.sentence()["reason"])
        self.assertEqual(self.precache()["how"], "built")
        self.assert_published(self.url)

    @unittest.skipUnless(shutil.which("strace"), "strace isn't installed (tools/install-packages.sh test)")
    def test_another_failure_to_read_condemns_nothing(self):
        self.precache()
        done = self.verify_on_failing_disk("ENOMEM")
        self.assertNotIn(done.returncode, (0, 3), done)
        self.assertIn("Cannot allocate memory", done.stderr)
        self.assertEqual((self.precache()["how"], self.quarantined()), ("hit", []))

    def test_all_are_verified_whatever_one_of_them_is(self):
        rotten, fine, unknown = (self.serve(image, path) for image, path in (
            (images.qcow2(), "/rotten"), (images.other_raw(), "/fine"), (images.raw(), "/unknown")))
        for url in (rotten, fine, unknown):
            self.precache(url)
        self.rot(self.base_file(rotten))
        self.change_record(cache_key(unknown), content_digest=None)
        done = self.verify("--all", "--rate", "0")
        self.assertEqual(self.states(done), {cache_key(rotten): "rotten", cache_key(fine): "verified",
                                             cache_key(unknown): "unknown"})
        self.assertEqual(done.code, 3)
        done = self.verify("--all")
        self.assertEqual((done.code, self.states(done)), (0, {cache_key(fine): "verified", cache_key(unknown): "unknown"}))

    def test_a_rotten_base_file_of_an_instance_stays_for_it(self):
        uuid = new_uuid()
        self.assert_created(self.client.create(uuid, creation(self.url, 1)))
        self.rot(self.base_file(self.url))
        done = self.verify("--all")
        self.assertEqual(done.code, 3)
        self.assertIn(uuid, done.json["files"][0]["detail"])
        self.assertTrue(self.base_file(self.url).exists())
        self.assert_problem(self.client.create(new_uuid(), creation(self.url, 1)), 409, "in_use", uuid)

    def test_blank_base_files_are_verified_too(self):
        self.assert_created(self.client.create(new_uuid(), creation(self.url, 1, flavor={"root_gb": 1, "swap": 16})))
        self.rot(self.base / "swap_16")
        self.assertEqual(self.states(self.verify("--all")), {self.key: "verified", "swap_16": "rotten"})

    def test_a_key_without_a_base_file_is_told_and_the_others_are_verified(self):
        self.precache()
        done = self.verify("swap_77", self.key)
        self.assertEqual((done.code, self.states(done)), (4, {self.key: "verified"}))
        self.assertIn("swap_77", done.err)

    def test_it_must_be_said_what_to_verify(self):
        for arguments in ((), ("--all", "swap_1"), ("notes.txt",), ("--all", "--rate", "fast")):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.verify(*arguments).code, 2)

    def test_the_answer_for_people_is_a_table(self):
        self.precache()
        done = self.cli("--socket", self.scratch / "agent.sock", "cache", "verify", "--all")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, f"STATE .*\nverified .*{self.key}")

    def test_a_base_file_of_zeros_that_a_copy_filled_is_as_it_was(self):
        self.precache()
        base = self.base_file(self.url)
        content = base.read_bytes()
        self.write_into(base, content)
        self.assertEqual(self.verify(self.key, "--rate", "0").code, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
