"""What we rely on of libvirt: when it calls hooks, with what, and before what."""

import os
import signal
from pathlib import Path

import own_libvirt
import private_machine
import tiny_guest
from harness import eventually, new_uuid
from libvirt_story import LibvirtStory

METADATA = "<some:thing xmlns:some='http://example.org/some'>kept as it is</some:thing>"


class Libvirt(LibvirtStory):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.log_hooks()
        self.uuid = new_uuid()
        self.libvirt.start()

    def domain(self, name: str = "one", **changes) -> str:
        boot = (tiny_guest.kernel(), tiny_guest.ramdisk())
        return tiny_guest.domain(name, self.uuid, self.directory(self.uuid), METADATA, boot=boot, **changes)

    def make_in(self, operation: str) -> None:
        """A hook that makes the disk at that moment."""
        target = self.directory(self.uuid)
        (self.folder / f"{operation}.sh").write_text(
            f"mkdir -p {target} && qemu-img convert -f qcow2 -O qcow2 {tiny_guest.root_image()} {target}/disk\n")

    def test_hooks_are_called_in_this_order_each_with_the_metadata(self):
        self.make_by_hand(self.uuid)
        self.define(self.domain())
        self.libvirt.done("start", "one")
        self.assertEqual(self.calls(self.folder), ["prepare/begin", "start/begin", "started/begin"])
        self.assert_guest_started(self.uuid)
        self.libvirt.done("destroy", "one")
        self.assertEqual(self.calls(self.folder)[3:], ["stopped/end", "release/end"])
        for words in self.folder.glob("*.words"):
            self.assertEqual(words.read_text().split()[0], "one")
            self.assertEqual(words.read_text().split()[3], "-")
            self.assertIn("kept as it is</some:thing>", words.with_suffix(".xml").read_text())

    def test_a_disk_that_is_made_in_prepare_is_in_time_and_one_made_in_start_is_not(self):
        self.define(self.domain())
        self.make_in("start")
        self.assert_says(self.libvirt.virsh("start", "one"), "No such file or directory")
        (self.folder / "start.sh").unlink()
        self.make_in("prepare")
        self.libvirt.done("start", "one")
        self.assert_guest_started(self.uuid)

    def test_after_a_failed_prepare_stopped_and_release_still_come_and_the_error_is_shown(self):
        self.define(self.domain())
        (self.folder / "prepare.sh").write_text("echo 'this is why' >&2; exit 3\n")
        self.assert_says(self.libvirt.virsh("start", "one"), "unexpected exit status 3: this is why")
        self.assertEqual(self.calls(self.folder), ["prepare/begin", "stopped/end", "release/end"])
        self.assertEqual(self.state("one"), "shut off")

    def test_a_guest_that_is_killed_is_released(self):
        self.make_by_hand(self.uuid)
        self.libvirt.done("create", self.written(self.domain()))
        (guest,) = own_libvirt.guests()
        os.kill(guest, signal.SIGKILL)
        eventually(lambda: "release/end" in self.calls(self.folder), "the release")

    def test_guests_live_through_a_restart_of_libvirtd_and_are_told_to_the_hook(self):
        self.make_by_hand(self.uuid)
        self.define(self.domain())
        self.libvirt.done("start", "one")
        before = self.calls(self.folder)
        self.libvirt.restart()
        eventually(lambda: self.calls(self.folder)[len(before):] == ["reconnect/begin"], "the reconnect")
        self.assertEqual(self.state("one"), "running")

    def test_nothing_of_the_real_machine_is_seen_or_left(self):
        self.assertEqual(self.libvirt.done("list", "--all", "--name"), "")
        self.assertEqual(self.libvirt.done("net-list", "--all", "--name"), "")
        self.assertFalse(Path("/dev/kvm").is_char_device())
        self.assertEqual(own_libvirt.guests(), [])


if __name__ == "__main__":
    private_machine.run_stories()
