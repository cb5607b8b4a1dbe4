"""A `_base` that a Nova has filled, before us or beside us: what it made is looked at before it is used, also in the place
of a base file of ours that it has removed."""

import hashlib
import os
import unittest
from pathlib import Path

import images
from harness import cache_key, creation, new_uuid
from image_story import ImageStory


class Inherited(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        _, self.client = self.daemon()

    def put(self, url: str, content: bytes) -> Path:
        """What Nova does when it makes a base file: a new file at the path of the old one."""
        path = self.base_file(url)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        return path

    def assert_holds_the_image(self, answer) -> None:
        disk = self.assert_created(answer)["disk"]
        self.assert_same_content(images.raw(), Path(disk["path"]), "raw", disk["format"])

    def test_raw_and_qcow2_files_are_used_as_what_they_are(self):
        for kind, image in (("raw", images.raw()), ("qcow2", images.qcow2())):
            for images_type in ("raw", "qcow2"):
                with self.subTest(f"{kind} under {images_type}"):
                    url = self.server.url(f"/{kind}-{images_type}")
                    self.put(url, image.read_bytes())
                    self.assert_holds_the_image(self.client.create(new_uuid(), creation(url, images_type=images_type)))
                    self.assertEqual(self.server.gets.total(), 0)

    def test_what_replaces_a_base_file_of_ours_is_not_taken_for_it(self):
        url = self.serve(images.qcow2())
        checksum = "sha512:" + hashlib.sha512(images.qcow2().read_bytes()).hexdigest()
        self.assert_created(self.client.create(new_uuid(), creation(url, checksum=checksum)))
        self.put(url, images.qcow2().read_bytes())  # of a Nova whose force_raw_images is off
        self.assert_holds_the_image(self.client.create(new_uuid(), creation(url)))
        answer = self.client.create(new_uuid(), creation(url, checksum=checksum))
        self.assert_problem(answer, 422, "checksum_mismatch", "unknown", cache_key(url))

    def test_what_is_no_image_is_refused_with_the_way_out(self):
        url = self.serve(images.qcow2())
        self.put(url, b"<!DOCTYPE html><html></html>")
        before = self.tree()
        answer = self.client.create(new_uuid(), creation(url))
        self.assert_problem(answer, 422, "image_unacceptable", str(self.base_file(url)),
                            f"basecache cache remove {cache_key(url)}")
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.client.request("DELETE", f"/v1/cache/{cache_key(url)}").status, 200)
        self.assert_holds_the_image(self.client.create(new_uuid(), creation(url)))

    def test_what_is_no_regular_file_is_left_alone_and_said_so(self):
        url = self.serve(images.qcow2())
        path = self.base_file(url)
        for make, remove in ((os.mkdir, os.rmdir), (os.mkfifo, os.unlink),
                             (lambda place: os.symlink(images.raw(), place), os.unlink)):
            make(path)
            answer = self.client.create(new_uuid(), creation(url))
            self.assert_problem(answer, 500, "storage_unusable", str(path), "not a regular file")
            self.assertTrue(path.is_symlink() or path.exists())
            remove(path)
        self.assert_holds_the_image(self.client.create(new_uuid(), creation(url)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
