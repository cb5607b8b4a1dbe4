"""Disks on LVM that are encrypted with the key that a request names."""

import unittest

import disk_checks
import images
from harness import GIB, MIB, new_uuid
from lvm_story import LvmStory, opened


class EncryptionOnLvm(LvmStory):
    def test_what_is_on_the_volume_is_noise_and_what_the_guest_sees_is_the_disk(self):
        daemon, client = self.encrypting_node()
        uuid, key = new_uuid(), self.new_key()
        request = self.request(flavor={"swap": 16}, ephemeral_key_uuid=key, config_drive=True)
        disks = self.assert_created(client.create(uuid, request))
        self.assertEqual({name: disk["path"] for name, disk in disks.items() if name != "disk.config"},
                         {name: str(self.plain(uuid, name)) for name in ("disk", "disk.swap")})
        self.assert_holds(self.plain(uuid, "disk"), images.raw().read_bytes())
        disk_checks.check_formatted(self.plain(uuid, "disk.swap"), "swap")
        for disk in ("disk", "disk.swap"):
            self.assertEqual(disk_checks.run("sh", "-c", f"blkid -p {self.device(f'{uuid}_{disk}')} || true"), "")
        self.assertFalse(self.holds(self.device(f"{uuid}_disk"), b"page 1\npage 1\n"), "plain text is on the volume")
        self.assertTrue(self.holds(self.plain(uuid, "disk"), b"page 1\npage 1\n"), "else this test shows nothing")

        self.assertEqual(self.assert_created(client.create(uuid, request | {"flavor": {"root_gb": 1, "swap": 16}}))["disk"]["size_bytes"], GIB)
        disk_checks.check_file_system_fills(self.plain(uuid, "disk"), GIB)

        for disk in ("disk", "disk.swap"):
            with opened(self.plain(uuid, disk)):
                self.assert_problem(client.delete(uuid), 409, "in_use", self.plain(uuid, disk).name)
            self.assertEqual(self.disks_of(uuid), {"disk": GIB, "disk.swap": 16 * MIB})
            self.assertTrue(self.plain(uuid, "disk").exists() and self.plain(uuid, "disk.swap").exists())
        self.assertEqual(client.delete(uuid).status, 200)
        self.assert_gone(uuid)
        self.assertNotIn((self.keys / key).read_bytes().hex(), daemon.text())

    def test_without_its_key_nothing_is_made_and_nothing_is_opened(self):
        _, client = self.encrypting_node()
        uuid, key, other = new_uuid(), self.new_key(), self.new_key()
        for request, status, code, words in (
                (self.request(), 400, "invalid_request", ("ephemeral_key_uuid is missing",)),
                (self.request(ephemeral_key_uuid="key"), 400, "invalid_request", ("ephemeral_key_uuid", "not a UUID")),
                (self.request(ephemeral_key_uuid=new_uuid()), 404, "not_found", ("key file", "ephemeral_key_directory"))):
            with self.subTest(words):
                self.assert_problem(client.create(uuid, request), status, code, *words)
                self.assert_gone(uuid)
        self.assert_created(client.create(uuid, self.request(ephemeral_key_uuid=key)))
        disk_checks.run("cryptsetup", "close", self.plain(uuid, "disk").name)
        wrong = client.create(uuid, self.request(ephemeral_key_uuid=other))
        self.assert_problem(wrong, 400, "invalid_request", "another key", "ephemeral_key_uuid")
        self.assertFalse(self.plain(uuid, "disk").exists())
        kept = self.assert_created(client.create(uuid, self.request(ephemeral_key_uuid=key)))
        self.assertEqual(kept["disk"]["how"], "kept")
        self.assert_holds(self.plain(uuid, "disk"), images.raw().read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
