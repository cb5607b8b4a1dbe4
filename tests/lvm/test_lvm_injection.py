"""Files injected into root disks on LVM, linear and encrypted, read back from the device with programs that aren't ours."""

import unittest
from pathlib import Path

import disk_checks
from harness import MIB, creation, new_uuid
from lvm_story import LvmStory
from test_injection import BYTES, EVERYTHING, KEY, MOTD, InjectionStory, file, sha256


class InjectionOnLvm(LvmStory, InjectionStory):
    def settings(self, partition: int) -> dict:
        return {"inject_partition": partition, "inject_key": "true", "inject_password": "true"}

    def assert_on_device(self, root: Path) -> None:
        """`root`: a device, for its partition with "?offset=", as e2fsprogs' programs know it."""
        disk_checks.run("e2fsck", "-fn", root)
        self.assertIn(f"\n{KEY}\n", self.debugfs(root, "cat /root/.ssh/authorized_keys").decode())
        self.assertEqual(self.debugfs(root, "cat /srv/a/bytes"), BYTES)
        self.assertIn(b"root:$6$", self.debugfs(root, "cat /etc/shadow"))

    def test_a_file_system_and_a_partition_get_everything_on_a_volume(self):
        self.inject_everything(self.node, lambda uuid: self.device(f"{uuid}_disk"))

    def test_on_an_encrypted_volume_everything_is_below_its_plain_text(self):
        for uuid in self.inject_everything(self.encrypting_node, lambda uuid: self.plain(uuid, "disk"), ephemeral_key_uuid=self.new_key()):
            self.assertTrue(self.holds(self.plain(uuid, "disk"), KEY.encode()), "else the next line shows nothing")
            self.assertFalse(self.holds(self.device(f"{uuid}_disk"), KEY.encode()), "plain text is on the volume")

    def inject_everything(self, node, device_of, **fields) -> list[str]:
        """The instances: one whose root disk is a file system, one where that is in a partition."""
        root, uuids = self.root(), []
        for partition, image, place in ((0, root, ""), (1, self.partitioned(root, "dos"), f"?offset={MIB}")):
            uuids.append(new_uuid())
            answer = node(self.settings(partition))[1].create(uuids[-1], creation(self.file_url(image), **EVERYTHING, **fields))
            device = device_of(uuids[-1])
            self.assertEqual(self.assert_created(answer)["disk"]["path"], str(device))
            self.assertNotIn("notes", answer.body)
            self.assert_on_device(Path(f"{device}{place}"))
            self.assertEqual(sha256(self.base_file(self.file_url(image))), sha256(image))
        return uuids

    def test_a_file_that_cannot_be_put_in_leaves_no_volume(self):
        _, client = self.encrypting_node(self.settings(0))
        uuid, below_a_file = new_uuid(), [file("/etc/motd/below", MOTD)]
        request = creation(self.file_url(self.root()), injected_files=below_a_file, ephemeral_key_uuid=self.new_key())
        self.assert_problem(client.create(uuid, request), 422, "image_unacceptable", "files: ", "isn't a directory in the guest")
        self.assert_gone(uuid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
