"""A story whose images are at a scripted registry: a daemon that is let in there, and what must hold after a fault."""

import os
import socket
from pathlib import Path

import scripted_registry_faults as faults
from harness import MIB, Daemon, creation, new_uuid
from image_story import ImageStory
from scripted_registry import REGION, Image, ScriptedRegistry
from socket_client import Answer, Client

UNRESOLVABLE = f"http://{'x' * 64}.invalid:9292"  # no label may be that long: refused by the resolver itself
RETRIED = {"Retry_After": "0"}


def closed_address() -> tuple[socket.socket, str]:
    """Bound and not listening: refuses connections."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, f"http://127.0.0.1:{taken.getsockname()[1]}"


class RegistryStory(ImageStory):
    """One raw image of random bytes: its base file is those bytes."""

    content_size = 2 * MIB
    who: dict | None = None  # another identity()

    def setUp(self) -> None:
        super().setUp()
        self.registry = self.started_registry()
        self.content = os.urandom(self.content_size)
        self.image = self.registry.add_image(self.content, disk_format="raw")

    def started_registry(self, tls=None) -> ScriptedRegistry:
        registry = ScriptedRegistry(tls)
        self.addCleanup(registry.close)
        return registry

    def identity(self) -> dict:
        """For [keystone_authtoken]: how the registry lets us in."""
        return self.who or {"auth_url": self.registry.auth_url, "username": "nova", "password": self.registry.password,
                "project_name": "service", "default_domain_name": "Default"}

    def start(self, glance: dict | None = None, basecache: dict | None = None, identity: dict | None = None,
              **how) -> tuple[Daemon, Client]:
        """A daemon that asks the registry; changes of its options by section, the rest is for Story.daemon."""
        options = {"glance": {"region_name": REGION, "num_retries": 1, **(glance or {})},
                   "basecache": {"registry": "glance", "url_hosts": "127.0.0.1", **(basecache or {})},
                   "keystone_authtoken": {**self.identity(), **(identity or {})}}
        self.running, self.client = self.daemon(self.config(**options), **how)
        return self.running, self.client

    def restart(self, **changes) -> None:
        """A daemon with other options in place of the running one."""
        self.running.stop()
        self.start(**changes)

    def script(self, *what: faults.Fault, times: int | None = 1) -> None:
        """Of the image's data."""
        self.registry.misbehave("GET", self.image.file_path, *what, times=times)

    def create(self, image: Image | None = None, **fields) -> Answer:
        return self.client.create(new_uuid(), creation((image or self.image).id, 1, **fields))

    def fetches(self, registry: ScriptedRegistry | None = None) -> list:
        """Requests of the image's data so far."""
        return (registry or self.registry).asked("GET", self.image.file_path)

    def sent(self) -> int:
        """Bytes of the image's data so far."""
        return self.registry.sent[self.image.file_path]

    # What must hold.

    def assert_nothing_visible(self) -> None:
        self.assertEqual(self.visible_base_files(), [])

    def assert_fetched(self, image: Image | None = None, content: bytes | None = None) -> None:
        """The next attempt makes the base file, whole and right; nothing else is left."""
        image = image or self.image
        self.assert_created(self.create(image))
        path = self.base_file(image.id)
        self.assertTrue(path.read_bytes() == (content or self.content), f"{path} has other bytes")
        self.assertEqual(path.stat().st_mode & 0o777, 0o444)
        self.assert_nothing_staged()
        self.assertEqual(self.journals(), [])

    def journals(self) -> list[Path]:
        return list((self.base / ".basecache" / "transfers").iterdir())

    def assert_fails_once(self, status: int, code: str, *words: str) -> dict:
        """An attempt fails so, nothing of it can be seen, and when the registry is well again the next one succeeds."""
        problem = self.assert_problem(self.create(), status, code, *words)
        self.assert_nothing_visible()
        self.registry.behave()
        self.assert_fetched()
        return problem
