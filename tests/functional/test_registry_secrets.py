"""No secret is told to anybody but the server it is for: not in a log at its most verbose, nor in an answer, a record, a
journal, the arguments or the environment of a child. Every secret here has the word "canary" in it."""

import base64
import http.client
import json
import unittest
from urllib.parse import quote

import images
import scripted_registry_faults as faults
from harness import DAEMON, KIB, MIB, creation, new_uuid, tool
from registry_story import RegistryStory
from scripted_registry import TOKENS

PASSWORD = "canary-password"
CREDENTIAL_SECRET = "canary-credential-secret"
FOREIGN_TOKEN = "scripted-token-canary-of-a-caller"
S3_SECRET = "canary/s3+secret/with=slashes"
SWIFT_KEY = "canary-swift-key"
SWIFT_TOKEN = "canary-swift-token"
URL_PASSWORD = "canary-url-password"
SIGNATURE = "canary-url-signature"

def spellings(secret: str) -> set[bytes]:
    """As it is, as in a URL, as in JSON, and what Basic authentication makes of it."""
    basic = base64.b64encode(f"user:{secret}".encode()).rstrip(b"=")
    return {secret.encode(), quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), basic[8:]}


class Secrets(RegistryStory):
    def setUp(self) -> None:
        super().setUp()
        self.registry.password = PASSWORD
        self.registry.application_credential = ("credential-id", CREDENTIAL_SECRET)
        self.registry.tokens.add(FOREIGN_TOKEN)
        self.store = self.started_registry()
        self.store.wants_token = False
        self.host = self.store.address.removeprefix("http://")
        self.told: list[str] = []  # answers of the socket, output of the CLI

    def start(self, glance: dict | None = None, basecache: dict | None = None, **changes):
        """Watched for what its children are started with: arguments and environment."""
        watch = ["strace", "-D", "-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-A", "-o", self.scratch / "children"]
        return super().start(glance, {"log_level": "debug", **(basecache or {})}, wrapper=watch, **changes)

    def ask(self, method: str, target: str, body: object = None, token: str = "") -> str:
        """One request, with a caller's own token; the answer is kept."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = self.client.connect_raw()
        headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson",
                   **({"X-Auth-Token": token} if token else {})}
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        self.told.append(f"{answer.headers}{answer.read().decode()}")
        connection.close()
        return self.told[-1]

    def make(self, image_ref: str, token: str = "") -> str:
        """A creation with every step there is; what was answered, progress and all."""
        wish = creation(image_ref, flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16}, config_drive=True)
        return self.ask("POST", f"/v1/instances/{new_uuid()}/disks", wish, token)

    def assert_made(self, answer: str) -> None:
        self.assertIn('"result"', answer)

    def assert_failed(self, answer: str, code: str) -> None:
        self.assertIn(f'"{code}"', answer)

    def assert_no_secret_told(self) -> None:
        """In the log, in answers, below instances_path, by children."""
        self.ask("GET", "/v1/operations")
        self.ask("GET", "/v1/cache")
        self.running.stop()
        log = self.running.text()
        self.assertIn("event=ready", log)
        places = {"the log": log.encode(), "the answers": "".join(self.told).encode()}
        children = self.scratch / "children"
        if children.exists():
            places["a child's arguments or environment"] = children.read_bytes()
        for path in self.instances_path.rglob("*"):
            if path.is_file() and path.stat().st_size <= MIB:  # not disks and images
                places[str(path)] = path.read_bytes()
        self.assertTrue(any("/.basecache/" in name for name in places), "neither record nor journal was written")
        for name, content in places.items():
            self.assert_no_secret_in(name, content)

    def assert_no_secret_in(self, name: str, content: bytes) -> None:
        secrets = {PASSWORD, CREDENTIAL_SECRET, FOREIGN_TOKEN, S3_SECRET, SWIFT_KEY, SWIFT_TOKEN, URL_PASSWORD, SIGNATURE,
                   *self.registry.issued}
        found = [spelling for secret in secrets for spelling in spellings(secret) if spelling in content]
        if b"canary" in content:
            found.append(content[max(content.find(b"canary") - 200, 0):][:400])
        self.assertEqual(found, [], name)

    def add_qcow2(self):
        self.image = self.registry.add_image(images.qcow2().read_bytes(), disk_format="qcow2")
        return self.image

    def test_of_a_password_and_its_tokens(self):
        self.start()
        self.assert_made(self.make(self.add_qcow2().id))
        self.assertIn("decode-image", (self.scratch / "children").read_text())
        self.registry.revoke_tokens()
        self.assert_made(self.make(self.add_qcow2().id))
        self.assertEqual(len(self.registry.issued), 2)
        self.assert_no_secret_told()

    def test_of_a_password_that_is_refused(self):
        self.start()
        self.assert_made(self.make(self.image.id))
        self.registry.revoke_tokens()
        self.registry.misbehave("POST", TOKENS, faults.status(401, f"wrong: {PASSWORD}".encode()))
        self.registry.misbehave("POST", TOKENS, faults.status(500, f"oops: {PASSWORD}".encode()), times=2)
        self.assert_failed(self.make(self.registry.add_image(self.content).id), "source_unauthorized")
        self.assert_failed(self.make(self.registry.add_image(self.content).id), "source_unavailable")
        self.assert_no_secret_told()

    def test_of_an_application_credential(self):
        self.who = {"auth_type": "v3applicationcredential", "auth_url": self.registry.auth_url,
                    "application_credential_id": "credential-id", "application_credential_secret": CREDENTIAL_SECRET}
        self.start()
        self.assert_made(self.make(self.add_qcow2().id))
        self.registry.application_credential = ("credential-id", "canary-another")
        self.registry.revoke_tokens()
        self.assert_failed(self.make(self.registry.add_image(self.content).id), "source_unauthorized")
        self.assert_no_secret_told()

    def test_of_a_callers_own_token(self):
        self.start()
        self.assert_made(self.make(self.add_qcow2().id, FOREIGN_TOKEN))
        self.assertEqual(self.fetches()[0].headers["x-auth-token"], FOREIGN_TOKEN)
        self.registry.tokens.discard(FOREIGN_TOKEN)
        self.assert_failed(self.make(self.registry.add_image(self.content).id, FOREIGN_TOKEN), "source_unauthorized")
        self.assert_no_secret_told()

    def test_of_transfers_that_are_left_in_the_middle(self):
        self.start({"num_retries": 0})
        self.script(faults.cut(MIB + KIB))
        self.assert_failed(self.make(self.image.id, FOREIGN_TOKEN), "source_unavailable")
        other = self.store.add_image(self.content)
        other.etag = "one"
        self.store.misbehave("GET", other.file_path, faults.cut(MIB + KIB))
        url = f"http://user:{URL_PASSWORD}@{self.host}{other.file_path}?X-Amz-Signature={SIGNATURE}"
        self.assert_failed(self.make(url), "source_unavailable")
        self.assertEqual(len(self.journals()), 2)
        self.assert_no_secret_told()

    def test_of_a_transfer_that_is_under_way(self):
        gate = self.store.gate()
        other = self.store.add_image(self.content)
        self.store.misbehave("GET", other.file_path, faults.gated(gate, MIB))
        url = f"http://user:{URL_PASSWORD}@{self.host}{other.file_path}?X-Amz-Signature={SIGNATURE}"
        self.start()
        stream = self.client.create_stream(new_uuid(), creation(url, 1))
        gate.wait_reached()
        self.assertIn("create", self.ask("GET", "/v1/operations"))
        self.ask("GET", "/v1/cache")
        gate.open()
        self.told.append(json.dumps(stream.last()))
        self.assert_made(self.told[-1])
        self.assert_no_secret_told()

    def located(self, *locations: str) -> str:
        """An image with those locations, none of which has it."""
        self.image.record["locations"] = [{"url": url, "metadata": {}} for url in locations]
        return self.image.id

    def test_of_locations_that_fail(self):
        locations = [f"s3+http://access-key:{S3_SECRET}@{self.host}/bucket/object",
                     f"s3://access-key:{quote(S3_SECRET, safe='')}@{self.host}/bucket/other",
                     f"swift+http://project%3Auser:{SWIFT_KEY}@{self.host}/auth/v1.0/container/object",
                     f"swift+http://project%3Auser:{SWIFT_KEY}@{self.host}/v3/container/object",
                     f"http://user:{URL_PASSWORD}@{self.host}/file?X-Amz-Signature={SIGNATURE}",
                     f"rbd://user:{URL_PASSWORD}@cluster/pool/image/snapshot",
                     f"s3+http://:{S3_SECRET}@{self.host}", f"http://user:{URL_PASSWORD}@169.254.169.254/file"]
        self.store.misbehave("GET", "/auth/v1.0", faults.status(
            200, X_Storage_Url=self.store.url("/swift/v1"), X_Auth_Token=SWIFT_TOKEN))
        self.start({"allowed_direct_url_schemes": "s3, s3+http, swift+http, http, rbd"})
        self.assert_made(self.make(self.located(*locations)))
        asked = {request.path for request in self.store.requests}
        self.assertLessEqual({"/bucket/object", "/auth/v1.0", "/swift/v1/container/object", "/file"}, asked)
        self.assertIn(SWIFT_TOKEN, str(self.store.requests))
        self.assertEqual(len(self.fetches()), 1)
        self.assertIn("location", self.running.text())
        self.assert_no_secret_told()

    def test_of_urls_and_redirects(self):
        url = f"http://user:{URL_PASSWORD}@{self.host}"
        other = self.store.add_image(self.content)
        moved = f"http://elsewhere:{URL_PASSWORD}@169.254.169.254/x?sig={SIGNATURE}"
        self.store.misbehave("GET", "/moved", faults.redirect(moved))
        self.store.misbehave("GET", "/odd", faults.redirect(f"ftp://user:{URL_PASSWORD}@host/x?sig={SIGNATURE}"))
        self.start({"num_retries": 0})
        self.assert_made(self.make(f"{url}{other.file_path}?X-Amz-Signature={SIGNATURE}"))
        self.assert_failed(self.make(f"{url}/missing?X-Amz-Signature={SIGNATURE}"), "image_not_found")
        self.assert_failed(self.make(f"{url}/moved?X-Amz-Signature={SIGNATURE}"), "forbidden")
        self.assert_failed(self.make(f"{url}/odd"), "forbidden")
        self.assert_failed(self.make(f"ftp://user:{URL_PASSWORD}@host/x"), "invalid_request")
        self.assert_no_secret_told()

    def test_of_a_server_that_repeats_what_it_was_told(self):
        self.start()
        self.assert_made(self.make(self.image.id))
        other = self.registry.add_image(self.content)
        self.registry.misbehave("GET", other.path, faults.status(403, f"no: {FOREIGN_TOKEN}".encode()))
        self.assert_failed(self.make(other.id, FOREIGN_TOKEN), "source_unauthorized")
        escaped = "".join(f"\\u{ord(character):04x}" for character in FOREIGN_TOKEN)
        self.registry.misbehave("GET", other.path, faults.status(403, f'{{"message": "no: {escaped}"}}'.encode()))
        self.assert_failed(self.make(other.id, FOREIGN_TOKEN), "source_unauthorized")
        self.registry.misbehave("GET", other.path, faults.redirect(f"http://169.254.169.254/{FOREIGN_TOKEN}"))
        self.make(other.id, FOREIGN_TOKEN)
        self.assert_no_secret_told()

    def test_of_the_configuration_and_the_cli(self):
        self.start()
        self.assert_made(self.make(self.image.id))
        config = self.scratch / "basecache.conf"
        self.told.append(tool(DAEMON, "--config", config, "--show-config"))
        self.assertIn("application_credential_secret", self.told[-1])
        for words in (("image", "show", self.image.id), ("image", "show", new_uuid()), ("status",), ("cache", "list")):
            done = self.cli("--json", *words, config=config)
            self.told += [done.out, done.err]
        self.assert_no_secret_told()


if __name__ == "__main__":
    unittest.main(verbosity=2)
