"""Where the bytes of an image lie, besides Glance: its file store, and a real object store by S3 and by Swift."""

import unittest
from pathlib import Path

import images
import rest
from byte_counter import ByteCounter
from cloud_story import CloudStory
from image_story import ImageStory
from object_store import ObjectStore
from scripted_registry import Image, ScriptedRegistry

WRONG_KEY = "canary-of-a-wrong-key"


class FileStore(CloudStory):
    """Glance's records tell the path of each image in its file store."""

    def setUp(self) -> None:
        super().setUp()
        self.counter = self.counter_before()
        self.image = self.imported(images.qcow2())["id"]
        self.path = f"/v2/images/{self.image}"

    def ask(self, schemes: str, directory: Path | None = None) -> rest.Answer:
        """Of a daemon that may read the files of that directory, or of Glance's store."""
        _, client = self.cloud_daemon(servers=self.counter.url, sections={
            "glance": {"allowed_direct_url_schemes": schemes},
            "basecache": {"file_url_directories": directory or self.cloud.image_store}})
        return self.precache(client, self.image)

    def fetched(self, schemes: str, directory: Path | None = None) -> dict:
        told = self.assert_precached(self.ask(schemes, directory))
        self.assert_published(self.image)
        return told

    @property
    def file_location(self) -> str:
        return f"file://{self.cloud.image_store}/{self.image}"

    def assert_bytes_from_glance(self) -> None:
        self.assertEqual(self.counter.asked, [f"GET {self.path}", f"GET {self.path}/file"])

    def assert_no_bytes_from_glance(self) -> None:
        self.assertEqual(self.counter.asked, [f"GET {self.path}"])

    def test_a_location_that_is_allowed_is_read_and_glance_sends_no_bytes(self):
        self.assertNotIn("notes", self.fetched("file"))
        self.assert_no_bytes_from_glance()

    def test_no_location_is_read_when_none_is_allowed(self):
        self.assertNotIn("notes", self.fetched(""))
        self.assert_bytes_from_glance()

    def test_a_location_of_another_scheme_than_the_allowed_ones_is_not_read(self):
        self.assertNotIn("notes", self.fetched("http, https"))
        self.assert_bytes_from_glance()

    def test_a_file_outside_of_the_allowed_directories_is_passed_over_and_told(self):
        note, = self.fetched("file", self.scratch)["notes"]
        self.assertIn(self.file_location, note)
        self.assertIn("is not below a directory", note)
        self.assert_bytes_from_glance()

    def test_a_file_of_other_bytes_is_passed_over_and_what_glance_sends_of_it_is_the_error(self):
        stored = self.cloud.glance.stored_file(self.image)
        content = bytearray(stored.read_bytes())
        content[len(content) // 2] ^= 1
        stored.write_bytes(content)
        self.assert_refused(self.ask("file"), 422, "checksum_mismatch", self.cloud.glance.show(self.image)["os_hash_value"])
        self.assert_bytes_from_glance()
        self.daemons[0].stop()
        self.assertRegex(self.daemons[0].text(), f"event=operation_note .*{self.file_location}.*failed")
        self.assert_nothing_staged()


class Objects(ImageStory):
    """A scripted registry, since no Glance takes locations of stores it doesn't have itself. It has the bytes too."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.objects: ObjectStore = cls.enterClassContext(ObjectStore())
        cls.objects.put_object("images", "qcow2", images.qcow2().read_bytes())
        cls.objects.put_object("images", "a name of words", images.qcow2().read_bytes())
        cls.objects.put_object("images", "raw", images.raw().read_bytes())

    def setUp(self) -> None:
        super().setUp()
        self.registry = ScriptedRegistry()
        self.addCleanup(self.registry.close)
        self.counter = ByteCounter(self.objects.url)  # locations lead to the store through it
        self.addCleanup(self.counter.close)

    def through_counter(self, location: str) -> str:
        return location.replace(self.objects.url.removeprefix("http://"), self.counter.url.removeprefix("http://"))

    def s3(self, name: str, scheme: str = "s3") -> str:
        location = self.objects.s3_location("images", name)
        return self.through_counter(location.replace("s3://", f"{scheme}://"))

    def swift(self, name: str) -> str:
        return self.through_counter(self.objects.swift_location("images", name))

    def registered(self, *locations: str, file: Path | None = None) -> Image:
        told = [{"url": location, "metadata": {}} for location in locations]
        return self.registry.add_image(file or images.qcow2(), locations=told,
                                       disk_format="qcow2" if file is None else file.suffix[1:])

    def start(self, schemes: str = "s3, s3+http, swift+http", retries: int = 1) -> None:
        access = {"auth_url": self.registry.auth_url, "username": "nova", "password": self.registry.password,
                  "project_name": "service", "default_domain_id": "default"}
        self.agent, self.client = self.daemon(self.config(
            keystone_authtoken=access, glance={"allowed_direct_url_schemes": schemes, "num_retries": retries},
            basecache={"url_hosts": "127.0.0.1", "log_level": "debug"}))

    def fetched(self, image: Image) -> list[str]:
        """The notes of the answer. No secret is told there, nor in the log, nor in what is left beside the image."""
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": image.id})
        self.assertEqual(answer.status, 200, answer.body)
        self.assert_published(image.id)
        self.assertEqual(self.agent.stop(), 0)
        small = [path for path in self.instances_path.rglob("*") if path.is_file() and path.stat().st_size < 1 << 20]
        for told in (str(answer.body), self.agent.text(), *(path.read_text(errors="replace") for path in small)):
            for secret in (*self.objects.secrets(), WRONG_KEY, self.registry.password, *self.registry.issued):
                self.assertNotIn(secret, told)
        return answer.body.get("notes", [])

    def assert_from_store(self, image: Image) -> None:
        self.assertEqual(self.registry.asked("GET", image.file_path), [])
        self.assertGreater(self.counter.sent, images.qcow2().stat().st_size)

    def assert_from_registry(self, image: Image) -> None:
        self.assertEqual(len(self.registry.asked("GET", image.file_path)), 1)

    def test_an_object_is_fetched_by_s3_with_the_locations_key(self):
        for location in (self.s3("qcow2"), self.s3("qcow2", "s3+http"), self.s3("a name of words")):
            with self.subTest(location.replace(self.objects.secret_key, "...")):
                image = self.registered(location)
                self.start()
                self.assertEqual(self.fetched(image), [])
                self.assert_from_store(image)
                self.assertIn("AWS4-HMAC-SHA256", self.counter.heads)

    def test_an_object_is_fetched_by_swift_with_the_locations_user(self):
        for name in ("qcow2", "a name of words"):
            with self.subTest(name):
                image = self.registered(self.swift(name))
                self.start()
                self.assertEqual(self.fetched(image), [])
                self.assert_from_store(image)
                self.assertIn("GET /auth/v1.0", self.counter.asked)

    def test_an_object_is_not_fetched_when_its_scheme_is_not_allowed(self):
        image = self.registered(self.s3("qcow2"), self.swift("qcow2"))
        self.start(schemes="file, https")
        self.assertEqual(self.fetched(image), [])
        self.assert_from_registry(image)
        self.assertEqual(self.counter.asked, [])

    def test_a_wrong_key_is_passed_over_and_told(self):
        wrong = (self.s3("qcow2").replace(self.objects.secret_key, WRONG_KEY),
                 self.swift("qcow2").replace(self.objects.swift_key, WRONG_KEY))
        for location in wrong:
            with self.subTest(location):
                image = self.registered(location)
                self.start()
                note, = self.fetched(image)
                self.assertIn(" failed: ", note)
                self.assertRegex(note, "status 40[13]")
                self.assert_from_registry(image)

    def test_what_is_not_there_or_of_other_bytes_is_passed_over_and_told_in_turn(self):
        size = images.qcow2().stat().st_size
        self.objects.put_object("images", "other", bytes(size))
        files = self.scratch / "files"
        files.mkdir()
        (files / "other").write_bytes(bytes(size))
        (files / "short").write_bytes(bytes(size - 1))
        passed_over = {"rbd://cluster/pool/image/snap": "nothing here reads 'rbd'", f"file://{files}/missing": "",
                       f"file://{files}/short": f"{size - 1} bytes", f"file://{files}/other": "sha512",
                       self.s3("missing"): "404", self.s3("other"): "sha512", self.swift("missing"): "404"}
        image = self.registered(*passed_over, self.swift("qcow2"))
        self.start(schemes="rbd, file, s3, swift+http")
        notes = self.fetched(image)
        for note, location, words in zip(notes, passed_over, passed_over.values()):
            self.assertIn(location.split("@")[-1].removeprefix("file://"), note)
            self.assertIn(words, note)
        self.assertEqual(len(notes), len(passed_over))
        self.assert_from_store(image)

    def begin_half(self, image: Image):
        """A running transfer of a raw image whose second half is held back."""
        self.half = images.raw().stat().st_size // 2
        self.counter.hold_at(self.half)
        stream = self.client.stream("POST", "/v1/cache/images", {"image_ref": image.id})
        self.addCleanup(stream.close)
        self.counter.wait_sent(self.half)
        return stream

    def assert_goes_on_at_the_store(self, location: str) -> None:
        image = self.registered(location, file=images.raw())
        self.start()
        stream = self.begin_half(image)
        self.counter.cut()
        self.counter.let_go()
        self.assertEqual(stream.last()["event"], "result")
        self.assert_published(image.id)
        self.assertLess(self.counter.sent, 2.2 * self.half)
        self.assertIn(206, self.counter.statuses)

    def test_a_transfer_by_s3_that_breaks_off_goes_on(self):
        self.assert_goes_on_at_the_store(self.s3("raw"))

    def test_a_transfer_by_swift_that_breaks_off_goes_on(self):
        self.assert_goes_on_at_the_store(self.swift("raw"))

    def test_a_transfer_whose_store_goes_away_goes_on_at_the_registry(self):
        image = self.registered(self.s3("raw"), file=images.raw())
        self.start(retries=0)
        stream = self.begin_half(image)
        self.counter.close()
        last = stream.last()
        self.assertEqual(last["event"], "result", last)
        self.assert_published(image.id)
        self.assertLess(self.registry.sent[image.file_path], 1.2 * self.half)
        self.assertGreater(self.registry.sent[image.file_path], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
