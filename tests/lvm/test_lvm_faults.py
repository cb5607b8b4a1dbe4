"""Creations on LVM that fail or are killed leave nothing, and the next one succeeds."""

import threading
import unittest

import images
from harness import GIB, MIB, eventually, new_uuid
from lvm_story import POOL, LvmStory
from stopped_lvm import StoppedLvm


class FaultsOnLvm(LvmStory):
    def all_disks(self) -> dict:
        return self.request(flavor={"ephemeral_gb": 1, "swap": 16}, os_type="linux", config_drive=True)

    def assert_all_disks(self, client, uuid: str) -> None:
        disks = self.assert_created(client.create(uuid, self.all_disks()))
        self.assertEqual(list(disks), ["disk", "disk.local", "disk.swap", "disk.config"])
        self.assertEqual(self.disks_of(uuid), {"disk": 64 * MIB, "disk.local": GIB, "disk.swap": 16 * MIB})
        self.assert_holds(self.device(f"{uuid}_disk"), images.raw().read_bytes())

    def killed_at(self, verb: str, place: str) -> str:
        """The instance whose creation was killed there."""
        uuid = new_uuid()
        stopped = StoppedLvm(self.scratch / f"{verb}-{place}", verb, place)
        self.addCleanup(stopped.close)
        daemon, client = self.node(path=stopped.path)
        stream = client.create_stream(uuid, self.all_disks())
        stopped.wait_reached()
        daemon.kill()
        stream.close()
        self.assertFalse((self.instances_path / uuid).exists())
        return uuid

    def test_a_creation_that_is_killed_leaves_nothing_that_the_next_one_or_the_next_start_does_not_remove(self):
        for verb, place, left in (("lvcreate", "after", {"disk.staged"}), ("lvrename", "before", {"disk.staged", "disk.local.staged", "disk.swap.staged"}),
                                  ("lvrename", "after", {"disk", "disk.local.staged", "disk.swap.staged"})):
            with self.subTest(verb, place=place):
                uuid = self.killed_at(verb, place)
                self.assertEqual(set(self.disks_of(uuid)), left)
                _, client = self.node()
                whole = {name for name in left if not name.endswith(".staged")}
                eventually(lambda: set(self.disks_of(uuid)) == whole, "what died in the making going when a daemon starts")
                self.assert_all_disks(client, uuid)

    def test_a_volume_that_was_left_goes_with_the_next_creation_or_deletion(self):
        _, client = self.node()
        one, other = new_uuid(), new_uuid()
        for uuid in (one, other):
            self.make_volume(f"{uuid}_disk.staged", 4 * MIB)
        self.assert_all_disks(client, one)
        self.assertEqual(client.delete(other).status, 200)
        self.assert_gone(other)

    def test_a_creation_that_fails_late_leaves_nothing(self):
        uuid = new_uuid()
        _, client = self.node(DEFAULT={"virt_mkfs": "default=ls %(target)s/nothing"})
        self.assert_problem(client.create(uuid, self.all_disks()), 500, "tool_failed", "ls exited with 2")
        self.assert_gone(uuid)
        _, client = self.node()
        self.assert_all_disks(client, uuid)
        rescue = self.request(suffix=".rescue", image_ref=f"file://{self.scratch}/files/absent")
        self.assertEqual(client.create(uuid, rescue | {"kernel_id": self.image}).status, 404)
        self.assertEqual(set(self.disks_of(uuid)), {"disk", "disk.local", "disk.swap"})

    def test_a_group_or_pool_that_is_full_or_missing_is_told_and_nothing_is_left(self):
        uuid = new_uuid()
        _, client = self.node()
        full = client.create(uuid, self.all_disks() | {"flavor": {"root_gb": 64}})
        self.assert_problem(full, 507, "no_space", f"'{self.group}'", "64 GiB (68719476736 bytes)", "are free")
        full = client.create(uuid, self.request(block_device_info={"ephemerals": [{"size": 1}, {"size": 64}]}))
        self.assert_problem(full, 507, "no_space", "disk.eph1", "64 GiB (68719476736 bytes)", "are free")
        self.assert_gone(uuid)
        for options, words in (({"libvirt": {"images_volume_group": "no-such-group"}}, ("'no-such-group'", "images_volume_group")),
                               ({"basecache": {"lvm_thin_pool": POOL}}, (f"'{POOL}'", "lvm_thin_pool"))):
            with self.subTest(options):
                _, client = self.node(**options)
                self.assert_problem(client.create(uuid, self.all_disks()), 500, "storage_unusable", *words)
                self.assert_gone(uuid)
                files = client.create(uuid, self.request(images_type="qcow2"))
                if "libvirt" not in options:
                    self.assert_created(files)
                    client.delete(uuid)
        
    def test_two_instances_at_once_and_one_twice(self):
        _, client = self.node()
        one, other = new_uuid(), new_uuid()
        answers: list = []
        threads = [threading.Thread(target=lambda uuid=uuid: answers.append((uuid, client.create(uuid, self.all_disks()))))
                   for uuid in (one, one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = {uuid: [] for uuid in (one, other)}
        for uuid, answer in answers:
            told[uuid].append(self.assert_created(answer)["disk"]["how"])
        self.assertEqual((len(told[one]), told[one].count("kept"), len(told[other])), (2, 1, 1))
        for uuid in (one, other):
            self.assert_all_disks(client, uuid)
        shown = client.get(f"/v1/instances/{one}").body["disks"]
        self.assertEqual({disk["name"]: disk["path"] for disk in shown if disk["name"] != "disk.config"},
                         {name: str(self.device(f"{one}_{name}")) for name in ("disk", "disk.local", "disk.swap")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
