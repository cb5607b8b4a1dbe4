"""Bytes that are not an image we take: refused by name, and nothing is left behind."""

import unittest

import images
from harness import GIB, creation, new_uuid, tool
from image_server import html
from image_story import ImageStory


class BadImages(ImageStory):
    def refused(self, url: str, code: str, *words: str, **fields) -> None:
        _, client = self.daemon()
        before = self.tree()
        self.assert_problem(client.create(new_uuid(), creation(url, **fields)), 422, code, *words)
        self.assertEqual(self.tree(), before)

    def test_a_web_page_instead_of_an_image(self):
        self.refused(self.server.serve("/image", html()), "image_unacceptable", "/image")

    def test_an_image_without_bytes(self):
        self.refused(self.server.serve("/image", b""), "image_unacceptable", "/image", "empty")

    def test_a_qcow2_file_cut_in_its_middle(self):
        content = images.qcow2().read_bytes()
        self.refused(self.server.serve("/image", content[:len(content) // 2]), "image_unacceptable", "/image")

    def test_a_qcow2_file_cut_in_its_header(self):
        self.refused(self.server.serve("/image", images.qcow2().read_bytes()[:60]), "image_unacceptable", "/image")

    def test_a_qcow2_file_with_a_backing_file(self):
        self.refused(self.serve(images.with_backing_file()), "image_unacceptable", "/image", "backing file")

    def test_a_qcow2_file_with_a_data_file(self):
        self.refused(self.serve(images.with_data_file()), "image_unacceptable", "/image", "data file")

    def test_a_flavor_smaller_than_the_image(self):
        big = self.scratch / "big.qcow2"
        tool("qemu-img", "create", "-q", "-f", "qcow2", big, str(2 * GIB))
        url = self.serve(big)
        _, client = self.daemon()
        for images_type in ("qcow2", "raw"):
            with self.subTest(images_type):
                uuid = new_uuid()
                answer = client.create(uuid, creation(url, 1, images_type=images_type))
                self.assert_problem(answer, 422, "disk_too_small", "1 GiB", "2 GiB")
                self.assertFalse((self.instances_path / uuid).exists())
        self.assert_nothing_staged()

    def test_after_each_refusal_a_good_image_at_the_same_place_is_taken(self):
        url = self.server.serve("/image", html())
        _, client = self.daemon()
        self.assertEqual(client.create(new_uuid(), creation(url)).status, 422)
        self.serve(images.qcow2())
        self.assert_created(client.create(new_uuid(), creation(url)))
        self.assert_published(url)


if __name__ == "__main__":
    unittest.main(verbosity=2)
