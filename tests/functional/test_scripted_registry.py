"""The scripted registry itself: what it answers when nothing is scripted, and that each fault does what it is named."""

import gzip
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import tempfile
import threading
import unittest
from pathlib import Path
from typing import NamedTuple

import scripted_registry_faults as faults
from scripted_registry import TOKENS, ScriptedRegistry
from scripted_registry_tls import Authority

CONTENT = bytes(range(256)) * 1024


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    complete: bool

    @property
    def json(self):
        return json.loads(self.body)


class RegistryCase(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = ScriptedRegistry()
        self.addCleanup(self.registry.close)
        self.image = self.registry.add_image(CONTENT)
        self.token = self.ask("POST", TOKENS, json.dumps(self.password_wish())).headers["X-Subject-Token"]

    def password_wish(self) -> dict:
        user = {"name": "nova", "password": self.registry.password, "domain": {"name": "Default"}}
        return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}

    def ask(self, method: str, path: str, body=None, timeout: float = 60, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.registry.address.removeprefix("http://"), timeout=timeout)
        self.addCleanup(connection.close)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if hasattr(self, "token"):
            sent.setdefault("X-Auth-Token", self.token)
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        try:
            return Answer(answer.status, answer.headers, answer.read(), True)
        except http.client.IncompleteRead as error:
            return Answer(answer.status, answer.headers, error.partial, False)

    def download(self, **headers: str) -> Answer:
        return self.ask("GET", self.image.file_path, **headers)

    def script(self, *what: faults.Fault, times: int | None = 1) -> None:
        self.registry.misbehave("GET", self.image.file_path, *what, times=times)


class RightAnswers(RegistryCase):
    def test_a_token_leads_to_the_image_by_the_catalog(self):
        token = self.ask("POST", TOKENS, json.dumps(self.password_wish())).json["token"]
        self.assertEqual(token["catalog"][0]["endpoints"][0]["url"], self.registry.address)
        record = self.ask("GET", self.image.path).json
        self.assertEqual((record["status"], record["os_hash_value"]), ("active", hashlib.sha512(CONTENT).hexdigest()))
        self.assertEqual(self.download().body, CONTENT)
        self.assertEqual(self.registry.sent[self.image.file_path], len(CONTENT))

    def test_a_wrong_password_and_a_revoked_token_are_refused(self):
        wish = self.password_wish()
        wish["auth"]["identity"]["password"]["user"]["password"] = "guess"
        self.assertEqual(self.ask("POST", TOKENS, json.dumps(wish)).status, 401)
        self.registry.revoke_tokens()
        self.assertEqual(self.ask("GET", self.image.path).status, 401)

    def test_a_range_is_served_unless_if_range_names_another_entity(self):
        self.image.etag = "one"
        part = self.download(Range="bytes=100-199", If_Range='"one"')
        self.assertEqual((part.status, part.body), (206, CONTENT[100:200]))
        self.assertEqual(part.headers["Content-Range"], f"bytes 100-199/{len(CONTENT)}")
        self.assertEqual(self.download(Range="bytes=100-", If_Range='"two"').body, CONTENT)
        self.assertEqual(self.download(Range=f"bytes={len(CONTENT)}-").status, 416)

    def test_an_upload_in_chunks_becomes_an_active_image(self):
        made = self.ask("POST", "/v2/images", json.dumps({"name": "new", "disk_format": "raw"})).json
        path = f"/v2/images/{made['id']}"
        self.assertEqual(self.download_of(made["id"]).status, 204)
        self.assertEqual(self.ask("PUT", f"{path}/file", iter([CONTENT[:1000], CONTENT[1000:]])).status, 204)
        self.assertEqual(self.download_of(made["id"]).body, CONTENT)
        self.assertEqual(self.ask("GET", path).json["status"], "active")
        self.assertEqual(self.registry.received[f"{path}/file"], len(CONTENT))

    def download_of(self, image: str) -> Answer:
        return self.ask("GET", f"/v2/images/{image}/file")

    def test_lists_come_in_pages(self):
        others = [self.registry.add_image(b"x", name="same").id for _ in range(3)]
        first = self.ask("GET", "/v2/images?name=same&limit=2").json
        second = self.ask("GET", first["next"] + "&name=same").json
        self.assertEqual([record["id"] for record in first["images"] + second["images"]], others)
        self.assertNotIn("next", second)

    def test_version_1_tells_the_record_in_headers_and_the_old_registry_as_json(self):
        self.image.record["properties"] = {"os_type": "linux"}
        told = self.ask("HEAD", self.image.v1_path).headers
        self.assertEqual((told["X-Image-Meta-Size"], told["X-Image-Meta-Status"]), (str(len(CONTENT)), "active"))
        self.assertEqual(told["X-Image-Meta-Property-os_type"], "linux")
        self.assertEqual(self.ask("GET", self.image.v1_path).body, CONTENT)
        self.assertEqual(self.ask("GET", f"/images/{self.image.id}").json["image"]["properties"], {"os_type": "linux"})

    def test_a_file_is_served_like_bytes(self):
        directory = Path(tempfile.mkdtemp(prefix="basecache-story."))
        self.addCleanup(shutil.rmtree, directory)
        (directory / "image").write_bytes(CONTENT)
        self.image = self.registry.add_image(directory / "image")
        self.assertEqual(self.download(Range="bytes=5-").body, CONTENT[5:])


class Faults(RegistryCase):
    def test_statuses_and_headers_come_as_often_as_asked_for(self):
        self.script(faults.status(429, Retry_After="1"), times=2)
        self.script(faults.redirect("file:///etc/passwd"))
        first, second, third, fourth = (self.download() for _ in range(4))
        self.assertEqual([first.status, second.status, third.status, fourth.status], [429, 429, 302, 200])
        self.assertEqual((first.headers["Retry-After"], third.headers["Location"]), ("1", "file:///etc/passwd"))
        self.assertEqual(len(self.registry.asked("GET", self.image.file_path)), 4)

    def test_a_refusal_says_nothing(self):
        self.script(faults.refuse())
        with self.assertRaises(http.client.RemoteDisconnected):
            self.download()

    def test_a_connection_that_drops_goes_on_by_range(self):
        self.script(faults.cut(1000), times=20)
        body = b""
        for _ in range(20):
            part = self.download(Range=f"bytes={len(body)}-")
            self.assertFalse(part.complete)
            body += part.body
        body += self.download(Range=f"bytes={len(body)}-").body
        self.assertEqual(body, CONTENT)
        self.assertEqual(self.registry.sent[self.image.file_path], len(CONTENT))

    def test_a_wrong_length_is_told_both_ways(self):
        self.script(faults.length_off(10))
        self.script(faults.length_off(-10))
        self.assertFalse(self.download().complete)
        self.assertEqual(self.download().body, CONTENT[:-10])

    def test_heads_lie(self):
        self.script(faults.etag("two"), faults.no_range())
        self.script(faults.content_range("bytes 0-9/10"))
        ignored, lie = self.download(Range="bytes=5-"), self.download(Range="bytes=5-")
        self.assertEqual((ignored.status, ignored.headers["ETag"], ignored.body), (200, '"two"', CONTENT))
        self.assertEqual((lie.status, lie.headers["Content-Range"]), (206, "bytes 0-9/10"))

    def test_bodies_are_coded_crumbled_and_chunked(self):
        self.script(faults.gzip())
        self.script(faults.crumbs(997))
        self.script(faults.chunked(997))
        self.assertEqual(gzip.decompress(self.download().body), CONTENT)
        self.assertEqual(self.download().body, CONTENT)
        self.assertEqual(self.download().body, CONTENT)

    def test_a_stalled_and_a_silent_answer_last_until_the_client_gives_up(self):
        self.script(faults.stall(1000))
        self.script(faults.silence())
        for _ in range(2):
            with self.assertRaises(TimeoutError):
                self.ask("GET", self.image.file_path, timeout=0.1)
        self.registry.wait_sent(self.image.file_path, 1000)
        self.assertEqual(self.registry.sent[self.image.file_path], 1000)

    def test_an_endless_answer_outlasts_its_client(self):
        self.script(faults.endless())
        connection = http.client.HTTPConnection(self.registry.address.removeprefix("http://"), timeout=60)
        connection.request("GET", self.image.file_path, headers={"X-Auth-Token": self.token})
        answer = connection.getresponse()
        self.assertEqual(len(answer.read(len(CONTENT) * 4)), len(CONTENT) * 4)
        answer.close()
        connection.close()

    def test_a_gate_holds_a_transfer_at_its_offset(self):
        gate = self.registry.gate()
        self.script(faults.gated(gate, 1000))
        opener = threading.Thread(target=lambda: (gate.wait_reached(), gate.open()))
        opener.start()
        self.assertEqual(self.download().body, CONTENT)
        opener.join()

    def test_a_slow_transfer_tells_how_far_it_is(self):
        self.script(faults.slow(20 * len(CONTENT)))
        waiter = threading.Thread(target=self.registry.wait_sent, args=(self.image.file_path, len(CONTENT)))
        waiter.start()
        self.assertEqual(self.download().body, CONTENT)
        waiter.join()

    def test_uploads_are_refused_cut_and_swapped(self):
        image = self.registry.add_image(None)
        for fault in (faults.status(503), faults.answer_unread(403), faults.upload_cut(100),
                      faults.stored_as(b"other")):
            self.registry.misbehave("PUT", image.file_path, fault)
        self.assertEqual(self.ask("PUT", image.file_path, CONTENT).status, 503)
        self.assertEqual(self.ask("PUT", image.file_path, CONTENT).status, 403)
        with self.assertRaises(OSError):
            self.ask("PUT", image.file_path, CONTENT)
        self.assertEqual(self.registry.received[image.file_path], len(CONTENT) + 100)
        self.assertEqual(self.ask("PUT", image.file_path, CONTENT).status, 204)
        self.assertEqual(self.ask("GET", image.path).json["size"], len(b"other"))


class Tls(unittest.TestCase):
    def setUp(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="basecache-story."))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.authority = Authority(self.scratch)

    def ask(self, name: str, trusted: Path) -> int:
        registry = ScriptedRegistry(self.authority.server_context(name))
        self.addCleanup(registry.close)
        context = ssl.create_default_context(cafile=str(trusted))
        connection = http.client.HTTPSConnection(registry.address.removeprefix("https://"), context=context, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/v3")
        return connection.getresponse().status

    def test_a_good_certificate_is_trusted(self):
        self.assertEqual(self.ask("IP:127.0.0.1", self.authority.certificate), 200)

    def test_a_certificate_for_another_name_or_of_another_authority_is_not(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask("DNS:elsewhere.example", self.authority.certificate)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask("IP:127.0.0.1", Authority(self.scratch, "stranger").certificate)

    def test_a_client_that_never_shakes_hands_holds_up_nobody(self):
        registry = ScriptedRegistry(self.authority.server_context())
        self.addCleanup(registry.close)
        host, port = registry.address.removeprefix("https://").split(":")
        self.enterContext(socket.create_connection((host, int(port))))
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        connection = http.client.HTTPSConnection(f"{host}:{port}", context=context, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/v3")
        self.assertEqual(connection.getresponse().status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
