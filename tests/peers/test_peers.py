"""The peers themselves come up, do what the stories need of them, and go."""

import os
import unittest
from pathlib import Path

import rest
from object_store import ObjectStore
from openstack_peer import CLOUD_OF_APPLICATION, OpenStack
from process import Peer

CONTENT = b"basecache" * 100_000


class OpenStackPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = OpenStack()
        cls.addClassCleanup(assert_gone, cls.cloud)  # after its end: cleanups run last to first
        cls.enterClassContext(cls.cloud)

    def show(self, image: str, token: str) -> rest.Answer:
        return rest.request("GET", f"{self.cloud.image_url}/v2/images/{image}", headers={"X-Auth-Token": token})

    def test_a_password_gives_a_token_that_glance_takes(self):
        image = self.cloud.glance.create("by password", CONTENT)["id"]
        for user in ("admin", "demo", "nova"):
            with self.subTest(user):
                self.assertEqual(self.show(image, self.cloud.token(user)).status, 200)

    def test_an_application_credential_gives_a_token_that_glance_takes(self):
        image = self.cloud.glance.create("by application credential", CONTENT)["id"]
        token = self.cloud.keystone.application_credential_token(self.cloud.application_credential)
        self.assertEqual(self.show(image, token).status, 200)

    def test_what_is_uploaded_is_downloaded_and_lies_in_the_store(self):
        record = self.cloud.glance.create("round trip", CONTENT)
        self.assertEqual((record["status"], record["size"]), ("active", len(CONTENT)))
        self.assertEqual(self.cloud.glance.download(record["id"]), CONTENT)
        self.assertEqual(self.cloud.glance.stored_file(record["id"]).read_bytes(), CONTENT)
        self.assertEqual(record["direct_url"], f"file://{self.cloud.image_store}/{record['id']}")

    def test_a_revoked_token_is_refused_at_once(self):
        image = self.cloud.glance.create("revoked", CONTENT)["id"]
        token = self.cloud.token("demo")
        self.assertEqual(self.show(image, token).status, 200)
        self.cloud.keystone.revoke(token)
        self.assertEqual(self.show(image, token).status, 401)

    def test_each_status_can_be_had(self):
        glance = self.cloud.glance
        image = glance.create("statuses", None)["id"]
        self.assertEqual(glance.show(image)["status"], "queued")
        glance.upload(image, CONTENT)
        glance.deactivate(image)
        self.assertEqual(glance.show(image)["status"], "deactivated")
        glance.reactivate(image)
        self.assertEqual(glance.show(image)["status"], "active")
        glance.delete(image)
        self.assertEqual(self.show(image, self.cloud.token()).status, 404)

    def test_the_distributions_client_gets_in_as_each_user_and_by_clouds_yaml(self):
        image = self.cloud.glance.create("client", CONTENT)["id"]
        self.assertEqual(self.cloud.openstack("image", "show", image, user="demo")["status"], "active")
        by_cloud = {"OS_CLIENT_CONFIG_FILE": self.cloud.clouds_yaml, "OS_CLOUD": CLOUD_OF_APPLICATION}
        self.assertEqual(self.cloud.openstack("image", "show", image, settings=by_cloud)["name"], "client")


class ObjectStorePeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.objects = ObjectStore()
        cls.addClassCleanup(assert_gone, cls.objects)
        cls.enterClassContext(cls.objects)

    def test_an_object_goes_in_and_out_by_s3_and_is_refused_to_strangers(self):
        self.objects.put_object("images", "one object", CONTENT)
        self.assertEqual(self.objects.get_object("images", "one object"), CONTENT)
        self.assertEqual(rest.request("GET", f"{self.objects.url}/images/one%20object").status, 403)

    def test_an_object_goes_in_and_out_by_swift_and_is_refused_to_strangers(self):
        self.assertEqual(self.objects.swift("PUT", "/container").status, 201)
        self.assertEqual(self.objects.swift("PUT", "/container/object", CONTENT).status, 201)
        self.assertEqual(self.objects.swift("GET", "/container/object").body, CONTENT)
        storage_url, _ = self.objects.swift_session()
        self.assertEqual(rest.request("GET", f"{storage_url}/container/object").status, 401)

    def test_both_protocols_see_the_same_objects(self):
        self.objects.put_object("both", "object", CONTENT)
        self.assertEqual(self.objects.swift("GET", "/both/object").body, CONTENT)


def assert_gone(peer: Peer) -> None:
    """Neither processes nor files of it are left."""
    if peer.scratch is not None:  # it wasn't skipped
        assert processes_of(peer.scratch) == [], processes_of(peer.scratch)
        assert not peer.scratch.exists(), peer.scratch


def processes_of(scratch: Path) -> list[str]:
    """What runs with that directory in its command line or its environment."""
    found: list[str] = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command, open(f"/proc/{pid}/environ", "rb") as environ:
                if str(scratch).encode() in command.read() + environ.read():
                    found.append(pid)
        except OSError:
            pass  # ended meanwhile
    return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
