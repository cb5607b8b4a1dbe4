"""A story with a real Keystone and a real Glance, which a test file starts once; the daemon and the CLI know of them."""

import functools
import http.client
import json
import unittest
from pathlib import Path

import images
from byte_counter import ByteCounter
from harness import CliResult, Daemon, creation, new_uuid
from image_story import ImageStory
from keystone_peer import DOMAIN
from openstack_peer import OpenStack
from rest import Answer
from socket_client import Client


@functools.cache
def _shared_cloud() -> OpenStack:
    return unittest.enterModuleContext(OpenStack())


class CloudStory(ImageStory):
    cloud: OpenStack

    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = _shared_cloud()

    def setUp(self) -> None:
        super().setUp()
        self.variables: dict[str, object] = {}  # the OS_* of the command line

    def environment(self, **changes: str) -> dict[str, str]:
        return super().environment(**{**changes, **{name: str(value) for name, value in self.variables.items()}})

    def counter_before(self, url: str | None = None) -> ByteCounter:
        """Before Glance, or another server."""
        counter = ByteCounter(url or self.cloud.image_url)
        self.addCleanup(counter.close)
        return counter

    # The daemon, and what it is told of the cloud.

    def by_password(self, user: str = "nova") -> dict[str, object]:
        account = self.cloud.users[user]
        return {"auth_url": self.cloud.auth_url, "auth_type": "password", "username": account.name,
                "password": account.password, "project_name": account.project, "user_domain_name": DOMAIN,
                "project_domain_name": DOMAIN}

    def by_application_credential(self) -> dict[str, object]:
        credential = self.cloud.application_credential
        return {"auth_url": self.cloud.auth_url, "auth_type": "v3applicationcredential",
                "application_credential_id": credential.id, "application_credential_secret": credential.secret}

    def cloud_daemon(self, access: dict | None = None, servers: str | None = None,
                     sections: dict | None = None) -> tuple[Daemon, Client]:
        """It logs all it can. `access`: [keystone_authtoken]; user nova when not given."""
        merged = {"keystone_authtoken": self.by_password() if access is None else access,
                  "basecache": {"log_level": "debug"}, "glance": {"api_servers": servers} if servers else {}}
        for section, options in (sections or {}).items():
            merged.setdefault(section, {}).update(options)
        return self.daemon(self.config(**merged))

    def precache(self, client: Client, image_ref: str, token: str | None = None, **fields: object) -> Answer:
        """token: the requester's own."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = client.connect_raw()
        headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
        try:
            connection.request("POST", "/v1/cache/images", json.dumps({"image_ref": image_ref, **fields}), headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def assert_precached(self, answer: Answer, how: str = "built") -> dict:
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["how"], how, answer.json)
        return answer.json

    def assert_refused(self, answer: Answer, status: int, code: str, *words: str) -> dict:
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer.json)
        for word in words:
            self.assertIn(word, f"{answer.json['detail']} {answer.json.get('hint', '')}")
        return answer.json

    def assert_cold_then_warm(self, client: Client, image: str) -> None:
        """Two instances of a raw twin of images.raw(), the second one without a download."""
        for how in ("built", "hit"):
            disks = self.assert_created(client.create(new_uuid(), creation(image)))
            self.assertEqual(disks["disk"]["how"], how)
            self.assert_same_content(images.raw(), Path(disks["disk"]["path"]), "raw", "qcow2")
        self.assert_published(image)

    # The command line.

    def image_cli(self, *arguments: object) -> CliResult:
        """At the registry, as self.variables say."""
        return self.cli("--json", "image", *arguments, "--registry", "glance")

    def imported(self, file: Path, *options: object) -> dict:
        """The record of an image that admin has imported, for everybody when no option says otherwise."""
        self.variables = self.cloud.openrc("admin")
        visible = () if "--visibility" in options else ("--visibility", "public")
        done = self.image_cli("import", file, *visible, *options)
        self.assertEqual(done.code, 0, done.err)
        return done.json

    # What must never be told.

    def secrets(self) -> list[str]:
        return self.cloud.secrets()

    def assert_no_secret_told(self, *texts: object) -> None:
        """Neither in these, nor in the logs of the daemons, which must have ended, nor in small files they left."""
        told = [str(text) for text in texts] + [daemon.text() for daemon in self.daemons]
        for path in self.instances_path.rglob("*"):
            if path.is_file() and path.stat().st_size < 1 << 20:
                told.append(path.read_bytes().decode(errors="replace"))
        for secret in self.secrets():
            for text in told:
                self.assertNotIn(secret, text)
