"""Requests that are wrong: an answer that names the field, the right status, and nothing left behind."""

import json
import unittest

import images
from harness import creation, eventually, new_uuid
from image_story import ImageStory

URL = "http://127.0.0.1:9/image"  # never reached: the request is refused before


class BadRequests(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        _, self.client = self.daemon()
        self.before = self.tree()

    def refused(self, request: dict, *words: str, uuid: str | None = None, status: int = 400):
        answer = self.client.create(uuid or new_uuid(), request)
        self.assert_problem(answer, status, "invalid_request", *words)
        self.assertEqual(self.tree(), self.before)

    def test_malformed_json_says_where(self):
        target = f"/v1/instances/{new_uuid()}/disks"
        for body in (b"{", b'{"image_ref": }', b"[1,2", b"\xff\xfe", b"nonsense", b'"text"', b"[]"):
            with self.subTest(body):
                self.assert_problem(self.client.request("POST", target, raw=body), 400, "invalid_request")
        self.assertEqual(self.tree(), self.before)

    def test_deeply_nested_json_is_survived(self):
        target = f"/v1/instances/{new_uuid()}/disks"
        answer = self.client.request("POST", target, raw=b"[" * 100_000)
        self.assert_problem(answer, 400, "invalid_request")
        self.assertEqual(self.client.get("/v1/health").status, 200)

    def test_an_unknown_field_is_named_with_the_nearest_known_one(self):
        self.refused({"image_ref": URL, "flavour": {}}, "flavour", "flavor")
        self.refused(creation(URL, flavor={"root_bg": 1}), "flavor.root_bg", "root_gb")
        self.refused(creation(URL, block_device_info={"ephemerals": [{"sise": 1}]}), "block_device_info.ephemerals")

    def test_a_uuid_that_is_none_never_becomes_a_path(self):
        for uuid in ("..", "../../etc", "a/b", "not-a-uuid", "%2e%2e", "%2e%2e%2fetc", "x" * 5000, new_uuid() + "/..",
                     new_uuid()[:-1] + "%00"):
            with self.subTest(uuid):
                answer = self.client.create(uuid, creation(URL))
                self.assertIn(answer.status, (400, 404, 413, 414, 431), answer.body)
                self.assertIn(answer.body["code"], ("invalid_request", "not_found"), answer.body)
        self.assertEqual(self.tree(), self.before)
        self.assertFalse((self.scratch / "etc").exists())

    def test_the_uuid_of_the_body_is_the_one_of_the_path(self):
        self.refused(creation(URL, uuid=new_uuid()), "uuid")
        self.refused(creation(URL, uuid="../x"), "uuid")

    def test_sizes_that_make_no_sense_name_their_field(self):
        for field, value in (("root_gb", -1), ("root_gb", 1.5), ("root_gb", "10"), ("root_gb", 10**18),
                             ("ephemeral_gb", -7), ("ephemeral_gb", 10**15), ("swap", -1), ("swap", 2**64),
                             ("swap", 10**12), ("root_gb", True), ("root_gb", [1])):
            with self.subTest(f"{field}={value}"):
                self.refused(creation(URL, flavor={field: value}), f"flavor.{field}")
        for value in (-1, 10**15, "1"):
            with self.subTest(value):
                self.refused(creation(URL, block_device_info={"ephemerals": [{"size": value}]}),
                             "block_device_info.ephemerals", "size")

    def test_an_image_ref_that_is_none_is_named(self):
        for ref in ("", "no image", "ftp://host/image", "gopher://x", "file:///../etc/passwd", "http://", "x" * 5000,
                    "http://host/\nimage", 7, None):
            with self.subTest(str(ref)[:40]):
                self.refused({"image_ref": ref, "flavor": {"root_gb": 1}}, "image_ref")

    def test_other_words_that_are_wrong_are_named(self):
        for field, value in (("checksum", "sha512:abc"), ("checksum", "crc:00"), ("images_type", "floppy"),
                             ("suffix", "/../x"), ("kernel_id", "vmlinuz"), ("ramdisk_id", "file:///../x"),
                             ("user_data", "%%%"), ("config_drive", "yes"), ("metadata", ["a"]),
                             ("injected_files", [{"path": "relative", "contents": ""}]),
                             ("injected_files", [{"path": "/x", "contents": "%%%"}]), ("flavor", 7)):
            with self.subTest(f"{field}={value}"):
                self.refused({"image_ref": URL, "flavor": {"root_gb": 1}, field: value}, field)

    def test_an_ephemeral_disk_with_an_unknown_file_system_is_refused(self):
        for word in ("zfs9", "../../x", "ext4 -F; reboot"):
            request = creation(self.serve(images.qcow2()),
                               block_device_info={"ephemerals": [{"size": 1, "guest_format": word}]})
            answer = self.client.create(new_uuid(), request)
            self.assert_problem(answer, 400, "invalid_request", "guest_format")
        self.assert_nothing_staged()
        self.assertEqual([path for path in self.visible_base_files() if path.name.startswith("ephemeral")], [])

    def test_unknown_paths_methods_and_keys_are_answered(self):
        for method, target in (("GET", "/"), ("GET", "/v1"), ("GET", "/v2/cache"), ("GET", "/v1/cache/zzz"),
                               ("GET", "/v1/cache/" + "0" * 40), ("GET", "/v1/operations/none"),
                               ("GET", f"/v1/instances/{new_uuid()}"), ("DELETE", f"/v1/instances/{new_uuid()}"),
                               ("DELETE", "/v1/cache/" + "0" * 40), ("GET", "/v1/cache/..%2f..%2fetc%2fpasswd"),
                               ("DELETE", "/v1/cache/..%2fx"), ("DELETE", f"/v1/instances/{new_uuid()}?suffix="),
                               ("DELETE", f"/v1/instances/{new_uuid()}?suffix=/..")):
            with self.subTest(f"{method} {target}"):
                answer = self.client.request(method, target)
                self.assertIn(answer.status, (400, 404), answer.body)
                self.assertIn(answer.body["code"], ("not_found", "invalid_request"))
        answer = self.client.request("PATCH", "/v1/cache")
        self.assertIn(answer.status, (400, 404, 405), answer.body)
        self.assertEqual(self.tree(), self.before)

    def test_nothing_follows_the_refusal_of_a_head(self):
        with self.client.connect_raw() as connection:
            connection.sendall(b"HEAD /v1/health HTTP/1.1\r\nHost: agent\r\n\r\n" * 2)
            told = connection.makefile("rb").read()
        self.assertEqual(told.count(b"HTTP/1.1 400 "), 1, told)
        self.assertIn(b"Connection: close", told)

    def test_a_body_of_ten_megabytes_is_refused_and_others_are_served(self):
        body = json.dumps(creation(URL, metadata={"x": "y" * 10_000_000})).encode()
        try:
            answer = self.client.request("POST", f"/v1/instances/{new_uuid()}/disks", raw=body)
            self.assert_problem(answer, 413, "invalid_request")
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was all sent
        self.assertEqual(self.client.get("/v1/health").body, {"status": "ok"})
        self.assertEqual(self.tree(), self.before)

    def test_a_body_that_promises_ten_megabytes_is_refused_before_it_is_sent(self):
        with self.client.connect_raw() as raw:
            raw.sendall(f"POST /v1/instances/{new_uuid()}/disks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {10 << 20}\r\n\r\n".encode())
            self.assertIn(b" 413 ", raw.recv(4096).split(b"\r\n")[0])

    def test_what_is_not_http_is_survived(self):
        for noise in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02", b"X" * 100_000,
                      b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000):
            with self.client.connect_raw() as raw:
                try:
                    raw.sendall(noise)
                    raw.shutdown(1)
                    while raw.recv(4096):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.assertEqual(self.client.get("/v1/health").status, 200)

    def test_clients_that_say_nothing_hold_up_nobody(self):
        slow = [self.client.connect_raw() for _ in range(40)]
        for number, raw in enumerate(slow):
            self.addCleanup(raw.close)
            if number % 2:
                raw.sendall(b"POST /v1/instances/x/disks HTTP/1.1\r\nContent-Length: 10\r\n")
        answer = self.client.create(new_uuid(), creation(self.serve(images.qcow2())))
        self.assert_created(answer)

    def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(self):
        with self.client.connect_raw() as raw:
            raw.sendall(f"POST /v1/instances/{new_uuid()}/disks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
            raw.sendall(b'{"image_ref": "')
        eventually(lambda: self.client.get("/v1/operations").body["operations"] == [], "no operation being left")
        self.assertEqual(self.tree(), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
