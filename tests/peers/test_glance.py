"""Images that the command line brings to a real Glance become instances; what can't be fetched says why."""

import contextlib
import hashlib
import socket
import unittest
from pathlib import Path
from urllib.parse import urlsplit

import images
from cloud_story import CloudStory
from harness import creation, eventually, new_uuid

KINDS = {"raw": images.raw, "qcow2": images.qcow2, "compressed qcow2": images.qcow2_zlib}


def qcow2_zstd() -> Path:
    return images.converted("qcow2", "-c", "-o", "compression_type=zstd")


class Import(CloudStory):
    def test_an_image_of_each_kind_goes_to_glance_and_becomes_an_instance_cold_and_warm(self):
        _, client = self.cloud_daemon()
        for kind, file in {**KINDS, "qcow2 by zstd": qcow2_zstd}.items():
            with self.subTest(kind):
                image = self.imported(file())
                self.assertEqual(image["disk_format"], "raw" if kind == "raw" else "qcow2")
                self.assert_cold_then_warm(client, image["id"])

    def test_openstack_shows_what_was_imported(self):
        file = images.qcow2_zlib()
        made = self.imported(file, "--name", "a name of words", "--min-disk", 3, "--min-ram", 512, "--tag", "one",
                             "--tag", "two", "--property", "os_type=linux", "--property", "hw_disk_bus=virtio",
                             "--property", "our_own=a=b")
        shown = self.cloud.openstack("image", "show", made["id"])
        wanted = {"name": "a name of words", "status": "active", "size": file.stat().st_size, "disk_format": "qcow2",
                  "container_format": "bare", "visibility": "public", "min_disk": 3, "min_ram": 512,
                  "checksum": hashlib.md5(file.read_bytes()).hexdigest()}
        self.assertEqual({name: shown[name] for name in wanted}, wanted)
        self.assertEqual(sorted(shown["tags"]), ["one", "two"])
        properties = {"os_hash_algo": "sha512", "os_hash_value": hashlib.sha512(file.read_bytes()).hexdigest(),
                      "os_type": "linux", "hw_disk_bus": "virtio", "our_own": "a=b"}
        self.assertEqual({name: shown["properties"].get(name) for name in properties}, properties)
        self.assertEqual(self.cloud.glance.download(made["id"]), file.read_bytes())

    def test_an_image_gets_the_id_that_is_asked_for_once(self):
        image = new_uuid()
        self.assertEqual(self.imported(images.other_raw(), "--id", image, "--disk-format", "raw")["id"], image)
        again = self.image_cli("import", images.other_raw(), "--id", image)
        self.assertEqual(again.code, 8, again.err)
        self.assertEqual(self.cloud.glance.show(image)["status"], "active")

    def test_what_glance_refuses_leaves_no_image_behind(self):
        self.variables = self.cloud.openrc("demo")
        refused = self.image_cli("import", images.other_raw(), "--name", "refused", "--visibility", "public")
        self.assertEqual(refused.code, 5, refused.err)
        self.assertIn("403", refused.err)
        unacceptable = self.image_cli("import", images.other_raw(), "--name", "refused", "--disk-format", "floppy")
        self.assertIn(unacceptable.code, (2, 3), unacceptable.err)
        self.assertIn("floppy", unacceptable.err)
        self.variables = self.cloud.openrc("admin")
        self.assertEqual(self.image_cli("list", "--name", "refused").json["images"], [])


class Shelf(CloudStory):
    def listed(self, *filters: object) -> list[str]:
        listed = self.image_cli("list", *filters)
        self.assertEqual(listed.code, 0, listed.err)
        return sorted(image["id"] for image in listed.json["images"])

    def test_images_are_listed_by_name_status_visibility_and_tags(self):
        glance = self.cloud.glance
        both = glance.create("shelf", b"x" * 1024, "raw", tags=["red", "round"])["id"]
        red = glance.create("shelf", b"y" * 1024, "raw", tags=["red"], visibility="private")["id"]
        queued = glance.create("shelf", None)["id"]
        self.variables = self.cloud.openrc("admin")
        self.assertEqual(self.listed("--name", "shelf"), sorted([both, red, queued]))
        self.assertEqual(self.listed("--name", "shelf", "--status", "active"), sorted([both, red]))
        self.assertEqual(self.listed("--name", "shelf", "--status", "queued"), [queued])
        self.assertEqual(self.listed("--tag", "red"), sorted([both, red]))
        self.assertEqual(self.listed("--tag", "red", "--tag", "round"), [both])
        self.assertEqual(self.listed("--name", "shelf", "--visibility", "private"), [red])
        self.assertEqual(len(self.listed("--name", "shelf", "--limit", 2)), 2)
        self.variables = self.cloud.openrc("demo")
        self.assertEqual(self.listed("--name", "shelf"), sorted([both, queued]))

    def test_more_images_than_a_page_are_listed(self):
        made = sorted(self.cloud.glance.create("many", None)["id"] for _ in range(30))
        self.variables = self.cloud.openrc("admin")
        self.assertEqual(self.listed("--name", "many"), made)

    def test_an_image_is_shown_and_deleted(self):
        image = self.cloud.glance.create("shown", b"z" * 4096, "raw", os_type="linux")["id"]
        self.variables = self.cloud.openrc("admin")
        shown = self.image_cli("show", image)
        self.assertEqual((shown.json["name"], shown.json["size"], shown.json["os_type"]), ("shown", 4096, "linux"))
        self.assertEqual(self.image_cli("delete", image).code, 0)
        for verb in ("show", "delete"):
            gone = self.image_cli(verb, image)
            self.assertEqual(gone.code, 4, gone.err)
            self.assertIn(image, gone.err)

    def test_a_protected_image_is_not_deleted(self):
        image = self.cloud.glance.create("protected", b"z" * 4096, "raw", protected=True)["id"]
        self.variables = self.cloud.openrc("admin")
        refused = self.image_cli("delete", image)
        self.assertEqual(refused.code, 5, refused.err)
        self.assertIn("protected", refused.err)
        self.assertEqual(self.cloud.glance.show(image)["status"], "active")


class NotFetched(CloudStory):
    def assert_not_fetched(self, image: str, status: int, code: str, exit_code: int, *words: str) -> None:
        """By the daemon and by the command line, standalone."""
        _, client = self.cloud_daemon(self.by_application_credential())
        self.assert_problem(client.create(new_uuid(), creation(image)), status, code, image, *words)
        self.variables = self.cloud.application_openrc()
        alone = self.cli("--standalone", "create", "--instance", new_uuid(), "--image", image)
        self.assertEqual(alone.code, exit_code, alone.err)
        for word in (image, *words):
            self.assertIn(word, alone.err)
        self.assertEqual(self.visible_base_files(), [])
        self.assert_nothing_staged()

    def test_a_queued_image_has_no_data_yet(self):
        image = self.cloud.glance.create("queued", None)["id"]
        self.assert_not_fetched(image, 502, "source_unavailable", 6, "nothing has been uploaded", "queued")

    def test_a_deactivated_image_is_the_administrators_to_give(self):
        image = self.cloud.glance.create("deactivated", images.other_raw().read_bytes(), "raw")["id"]
        self.cloud.glance.deactivate(image)
        self.assert_not_fetched(image, 502, "source_unauthorized", 5, "deactivated", "reactivate")

    def test_a_deleted_image_is_not_there(self):
        image = self.cloud.glance.create("deleted", images.other_raw().read_bytes(), "raw")["id"]
        self.cloud.glance.delete(image)
        self.assert_not_fetched(image, 404, "image_not_found", 4, "404")

    def test_another_projects_private_image_is_not_there(self):
        image = self.cloud.glance.create("private", images.other_raw().read_bytes(), "raw", visibility="private")["id"]
        self.assert_not_fetched(image, 404, "image_not_found", 4, "visible to the project")

    def test_an_image_that_is_being_uploaded_is_asked_for_later(self):
        image = self.cloud.glance.create("saving", None)["id"]
        with self.upload_under_way(image):
            self.assert_not_fetched(image, 502, "source_unavailable", 6, "still being uploaded", "saving")

    @contextlib.contextmanager
    def upload_under_way(self, image: str):
        """An upload that doesn't end before the block does, and then breaks off."""
        parts = urlsplit(self.cloud.image_url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall((f"PUT /v2/images/{image}/file HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                                f"X-Auth-Token: {self.cloud.token()}\r\nContent-Length: {1 << 20}\r\n"
                                "Content-Type: application/octet-stream\r\n\r\n").encode() + bytes(4096))
            eventually(lambda: self.cloud.glance.show(image)["status"] == "saving", "the upload begins")
            yield


class Href(CloudStory):
    def test_an_href_of_our_own_glance_gets_our_token(self):
        image = self.imported(images.qcow2(), "--visibility", "private")["id"]
        href = f"{self.cloud.image_url}/v2/images/{image}"
        _, client = self.cloud_daemon()
        self.assert_precached(self.precache(client, href))
        self.assert_published(href)

    def test_an_href_of_another_server_does_not_get_our_token(self):
        image = self.imported(images.qcow2())["id"]
        stranger = self.counter_before()  # the same Glance at an address that the catalog doesn't know
        _, client = self.cloud_daemon()
        self.assert_refused(self.precache(client, f"{stranger.url}/v2/images/{image}"), 502, "source_unauthorized", "401")
        self.assertTrue(stranger.asked)
        self.assertEqual(stranger.tokens, [])


class Resume(CloudStory):
    def setUp(self) -> None:
        super().setUp()
        self.size = images.raw().stat().st_size
        self.image = self.imported(images.raw())["id"]
        self.counter = self.counter_before()
        self.agent, self.client = self.cloud_daemon(servers=self.counter.url)

    def begin(self):
        stream = self.client.stream("POST", "/v1/cache/images", {"image_ref": self.image})
        self.addCleanup(stream.close)
        return stream

    def staged_size(self) -> int:
        return sum(path.stat().st_size for path in self.base.glob("*.part"))

    def test_a_transfer_goes_on_after_the_daemon_was_killed(self):
        self.counter.hold_at(self.size // 2)
        self.begin()
        eventually(lambda: self.staged_size() > 0.49 * self.size, "half of the image is there")
        self.agent.kill()
        self.counter.let_go()
        self.counter.wait_idle()
        before = self.counter.sent
        _, client = self.cloud_daemon(servers=self.counter.url)
        self.assert_precached(self.precache(client, self.image))
        self.assert_published(self.image)
        self.assertLess(self.counter.sent - before, 0.55 * self.size)
        self.assertIn("range: bytes=", self.counter.heads.lower())

    def test_a_transfer_that_breaks_off_three_times_goes_on_where_it_was(self):
        self.counter.hold_at(self.size // 4)
        stream = self.begin()
        for part in (1, 2, 3):
            self.counter.wait_sent(part * self.size // 4)
            self.counter.cut()
            self.counter.hold_at((part + 1) * self.size // 4)
        self.counter.let_go()
        self.assertEqual(stream.last()["event"], "result")
        self.assert_published(self.image)
        self.assertLess(self.counter.sent, 1.1 * self.size)


class Lies(CloudStory):
    def test_bytes_that_changed_in_the_store_are_refused(self):
        """The digest is of what was uploaded, and Glance doesn't look."""
        image = self.imported(images.qcow2())["id"]
        stored = self.cloud.glance.stored_file(image)
        content = bytearray(stored.read_bytes())
        content[-1] ^= 1
        stored.write_bytes(content)
        _, client = self.cloud_daemon()
        self.assert_refused(self.precache(client, image), 422, "checksum_mismatch",
                            hashlib.sha512(content).hexdigest(), self.cloud.glance.show(image)["os_hash_value"])
        self.assertEqual(self.visible_base_files(), [])
        self.assert_nothing_staged()


if __name__ == "__main__":
    unittest.main(verbosity=2)
