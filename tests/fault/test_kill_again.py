"""kill -9 of the daemon in each rename of a creation that adds to an instance, and in each removal of a rescue: what was
there is as it was, and the same request completes the rest."""

import json
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import images
from harness import GIB, MIB, new_uuid, tool
from killed_daemon import KilledDaemonStory

MARK = "0x5a 40M 64k"  # what a guest has written to its root disk
NO_DISKS = ("disk.info", "console.log", "libvirt.xml", "libvirt.xml.rescue", "image_meta.json",
            "image_meta.json.rescue")
BOOTED = b"Linux version 6\n"
MOST = 40  # system calls of one name in one piece of work, with room


class KillAgain(KilledDaemonStory):
    def setUp(self) -> None:
        super().setUp()
        kernel = self.scratch / "vmlinuz"
        kernel.write_bytes(images.bzimage())
        self.first = {"image_ref": self.file_url(images.qcow2()), "os_type": "linux", "flavor": {"root_gb": 1}}
        self.second = {**self.first, "kernel_id": self.file_url(kernel), "config_drive": True,
                       "flavor": {"root_gb": 2, "ephemeral_gb": 1, "swap": 16}}
        self.rescue = {**self.first, "suffix": ".rescue", "kernel_id": self.second["kernel_id"]}

    def make_instance(self, *requests: dict) -> None:
        self.uuid = new_uuid()
        daemon, client = self.daemon(socket="first.sock")
        for request in requests:
            self.assert_created(client.create(self.uuid, request))
        daemon.stop()
        self.daemons.remove(daemon)
        tool("qemu-io", "-f", "qcow2", "-c", f"write -P {MARK}", self.folder / "disk")
        (self.folder / "console.log").write_bytes(BOOTED)

    @property
    def folder(self) -> Path:
        return self.instances_path / self.uuid

    def forget_blank_bases(self) -> None:
        for path in self.visible_base_files():
            if path.name.startswith(("ephemeral", "swap")):
                path.unlink()

    def assert_nothing_unknown(self) -> None:
        """Every disk is told by disk.info, and none is half made: it has its whole size by the tools. The domain is whole,
        and has no disk that isn't there."""
        told = json.loads((self.folder / "disk.info").read_text())
        for path in self.folder.iterdir():
            if path.name not in NO_DISKS:
                self.assertIn(str(path), told)
                tool("qemu-img", "info", "-f", told[str(path)], path)
        for source in ET.parse(self.folder / "libvirt.xml").iter("source"):
            self.assertTrue(Path(source.get("file")).is_file(), source.get("file"))

    def assert_kept(self) -> None:
        tool("qemu-io", "-f", "qcow2", "-c", f"read -P {MARK}", self.folder / "disk")
        self.assertEqual((self.folder / "console.log").read_bytes(), BOOTED)

    def assert_completed(self) -> None:
        self.assert_nothing_unknown()
        daemon, client = self.daemon(socket="after.sock")
        self.assert_nothing_staged()
        disks = self.assert_created(client.create(self.uuid, self.second))
        self.assertEqual(sorted(disks), ["disk", "disk.config", "disk.local", "disk.swap", "kernel"])
        for name, size in (("disk", 2 * GIB), ("disk.local", GIB), ("disk.swap", 16 * MIB)):
            self.assert_clean_disk(disks[name]["path"], "qcow2", size)
        self.assertEqual(Path(disks["kernel"]["path"]).read_bytes(), images.bzimage())
        self.assertEqual(len(list(ET.parse(self.folder / "libvirt.xml").iter("disk"))), 4)
        self.assert_kept()
        self.assert_nothing_staged()
        daemon.stop()
        self.daemons.remove(daemon)

    def assert_killed_often(self, call: str, work_of_one, least: int) -> None:
        """Until the work ends before the daemon is killed."""
        for number in range(1, MOST):
            with self.subTest(f"{call} {number}"):
                if not work_of_one(number):
                    self.assertGreater(number, least, f"{call} was hardly ever made: look at the story")
                    return
        self.fail(f"{call} is made more than {MOST} times")

    def test_at_each_rename_of_a_second_creation(self):
        # strace counts the calls of each thread for itself: those of builds come before those of the request.
        for call, is_warm, least in (("renameat2", False, 1), ("renameat2", True, 4), ("rename", False, 1),
                                     ("rename", True, 1)):
            def one(number: int, call=call, is_warm=is_warm) -> bool:
                self.make_instance(self.first)
                died = self.killed_at(call, number, lambda client: client.create(self.uuid, self.second))
                self.assert_completed()
                if not is_warm:
                    self.forget_blank_bases()
                return died
            self.make_instance(self.second)  # with all base files
            if not is_warm:
                self.forget_blank_bases()
            self.assert_killed_often(call, one, least)

    def test_at_each_step_of_the_removal_of_a_rescue(self):
        for call, least in (("unlink", 2), ("rename", 1)):
            def one(number: int, call=call) -> bool:
                self.make_instance(self.first, self.rescue)
                target = f"/v1/instances/{self.uuid}?suffix=.rescue"
                died = self.killed_at(call, number, lambda client: client.request("DELETE", target))
                self.assert_nothing_unknown()
                daemon, client = self.daemon(socket="after.sock")
                self.assertIn(client.request("DELETE", target).status, (200, 404))
                self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["console.log", "disk", "disk.info", "image_meta.json", "libvirt.xml"])
                self.assertNotIn(".rescue", (self.folder / "disk.info").read_text())
                self.assert_kept()
                daemon.stop()
                self.daemons.remove(daemon)
                return died
            self.assert_killed_often(call, one, least)


if __name__ == "__main__":
    unittest.main(verbosity=2)
