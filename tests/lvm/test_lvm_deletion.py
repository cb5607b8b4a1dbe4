"""What is left of a volume that was deleted, and when none is deleted."""

import unittest

from harness import MIB, creation, new_uuid
from lvm_story import LvmStory, opened

SECRET = b"what the guest wrote " * 50
SIZE = 16 * MIB


class DeletionOnLvm(LvmStory):
    def swap_with_secrets(self, client) -> str:
        """An instance whose only disk holds a secret at its beginning and near its end."""
        uuid = new_uuid()
        devices = {"root_device_name": "/dev/vda", "block_device_mapping": [{"mount_device": "/dev/vda"}]}
        self.assert_created(client.create(uuid, creation(None, flavor={"swap": SIZE // MIB}, block_device_info=devices)))
        with open(self.device(f"{uuid}_disk.swap"), "r+b") as disk:
            for offset in (0, SIZE - MIB):
                disk.seek(offset)
                disk.write(SECRET)
        return uuid

    def left_bytes(self) -> bytes:
        """What a new volume in that space shows of it."""
        device = self.make_volume("next", SIZE)
        content = device.read_bytes()
        self.lvm("lvremove", "--yes", f"{self.group}/next")
        return content

    def test_a_deleted_volume_is_overwritten_as_configured(self):
        for options, beginning, end in (({"volume_clear": "none"}, "secret", "secret"), ({"volume_clear": "zero"}, "zeros", "zeros"),
                                        ({"volume_clear": "shred"}, "noise", "noise"),
                                        ({"volume_clear": "zero", "volume_clear_size": 4}, "zeros", "secret")):
            with self.subTest(options):
                _, client = self.node(options)
                uuid = self.swap_with_secrets(client)
                self.assertEqual(client.delete(uuid).body, {"uuid": uuid, "removed": True})
                self.assert_gone(uuid)
                left = self.left_bytes()
                self.assertEqual((kind_of(left[:MIB]), kind_of(left[-MIB:])), (beginning, end))
        
    def test_a_volume_that_a_guest_has_open_is_not_deleted_and_nothing_of_its_instance(self):
        _, client = self.node()
        uuid = new_uuid()
        self.assert_created(client.create(uuid, self.request(flavor={"swap": 16}, config_drive=True)))
        before, files = self.disks_of(uuid), self.tree()
        for disk in ("disk", "disk.swap"):
            with self.subTest(disk), opened(self.device(f"{uuid}_{disk}")):
                self.assert_problem(client.delete(uuid), 409, "in_use", f"{uuid}_{disk}", "shut the guest down")
                self.assertEqual(self.disks_of(uuid), before)
                self.assertEqual(self.tree(), files)
        self.assertEqual(client.delete(uuid).status, 200)
        self.assert_gone(uuid)


def kind_of(content: bytes) -> str:
    if SECRET in content:
        return "secret"
    return "zeros" if content.count(0) == len(content) else "noise"


if __name__ == "__main__":
    unittest.main(verbosity=2)
