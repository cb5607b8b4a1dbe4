"""Domains that start without their disks being there: our hook has them made, whichever way libvirt comes to start them."""

from pathlib import Path

import private_machine
import tiny_guest
from domain_story import CONFIGURED, NOVA, DomainStory
from harness import MIB, cache_key, eventually, new_uuid

AUTOSTARTED = Path("/run/libvirt/qemu/autostarted")  # that libvirtd has done that since the machine's start


class Start(DomainStory):
    def assert_started_from_its_disks(self, starts: int = 1) -> None:
        report = self.assert_guest_started(self.uuid, starts)
        self.assertEqual((report.label, report.drive), ("config-2", self.uuid))

    def test_a_defined_domain_starts_is_let_go_when_it_is_destroyed_and_starts_warm_on_the_same_disk(self):
        self.define(self.domain())
        self.assertFalse(self.directory(self.uuid).exists())
        self.libvirt.done("start", "web01")
        self.assert_held()
        self.assert_started_from_its_disks()
        self.libvirt.done("destroy", "web01")
        self.assert_let_go()
        self.assertTrue((self.directory(self.uuid) / "disk").exists())  # to release is not to delete
        self.libvirt.done("start", "web01")
        self.assert_held()
        self.assert_started_from_its_disks(starts=2)
        self.assertEqual(self.downloads(), 1)

    def test_a_transient_domain_starts(self):
        self.libvirt.done("create", self.written(self.domain()))
        self.assert_held()
        self.assert_started_from_its_disks()
        self.libvirt.done("destroy", "web01")
        self.assert_let_go()
        self.assertEqual(self.libvirt.done("list", "--all", "--name"), "")

    def test_a_domain_that_libvirtd_starts_by_itself_starts(self):
        self.define(self.domain())
        self.libvirt.done("autostart", "web01")
        self.libvirt.stop_libvirtd()
        AUTOSTARTED.unlink(missing_ok=True)
        self.libvirt.start_again()
        eventually(lambda: self.state("web01") == "running", "the autostart")
        self.assert_started_from_its_disks()
        self.assert_held()

    def test_a_saved_domain_is_let_go_and_held_again_when_it_is_restored(self):
        self.define(self.domain())
        self.libvirt.done("start", "web01")
        self.assert_started_from_its_disks()
        self.libvirt.done("managedsave", "web01")
        self.assert_let_go()
        self.libvirt.done("start", "web01")
        self.assertEqual(self.state("web01"), "running")
        self.assert_held()
        self.assertEqual(self.downloads(), 1)
        console = self.directory(self.uuid) / "console.log"
        self.assertEqual(len(tiny_guest.reports(console)), 1)  # it went on

    def test_what_was_prepared_beforehand_starts_without_its_source(self):
        xml = self.written(self.domain())
        prepared = self.cli("prepare", "--domain", xml, config=CONFIGURED)
        self.assertEqual(prepared.code, 0, prepared.err)
        self.server.serve("/image", b"")  # what nobody could start from
        self.libvirt.done("define", xml)
        self.libvirt.done("start", "web01")
        self.assert_started_from_its_disks()
        self.assertEqual(self.downloads(), 1)

    def test_a_domain_as_nova_defines_it_gets_its_missing_root_disk(self):
        image = self.imported(tiny_guest.root_image())
        boot = (tiny_guest.kernel(), tiny_guest.ramdisk())
        self.define(self.domain(metadata=NOVA.format(image=image), boot=boot))
        self.libvirt.done("start", "web01")
        self.assert_held()
        self.assert_guest_started(self.uuid)
        self.assertTrue((self.base / cache_key(image)).is_file())
        disk = self.assert_clean_disk_of_running(self.directory(self.uuid) / "disk")
        self.assertEqual(disk["virtual-size"], 1024 * MIB)  # its flavor's

    def assert_clean_disk_of_running(self, path: Path) -> dict:
        self.libvirt.done("destroy", "web01")
        return self.assert_clean_disk(path, "qcow2", 1024 * MIB)

    def test_a_domain_of_somebody_else_starts_as_ever_with_the_agent_and_without(self):
        self.make_by_hand(self.uuid)
        boot = (tiny_guest.kernel(), tiny_guest.ramdisk())
        self.define(self.domain(metadata="", boot=boot))
        before = sorted(path for path in self.instances_path.rglob("*"))
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid)
        self.libvirt.done("destroy", "web01")
        self.assertFalse(self.lease(self.uuid).exists())
        self.agent.stop()
        self.libvirt.done("start", "web01")
        self.assert_guest_started(self.uuid, starts=2)
        self.libvirt.done("destroy", "web01")
        after = [path for path in sorted(self.instances_path.rglob("*")) if path.name != "console.log"]
        self.assertEqual(after, before)

    def test_what_libvirt_itself_refuses_leaves_no_lease(self):
        xml = self.domain().replace(str(self.directory(self.uuid) / "disk.config"), str(self.scratch / "nowhere.iso"))
        self.define(xml)
        self.assert_says(self.libvirt.virsh("start", "web01"), "nowhere.iso")
        self.assert_let_go()
        self.assert_libvirt_answers()

    def test_two_domains_of_one_image_have_disks_of_their_own(self):
        other = new_uuid()
        self.define(self.domain())
        self.define(self.domain("web02", other))
        for name in ("web01", "web02"):
            self.libvirt.done("start", name)
        for uuid in (self.uuid, other):
            self.assertEqual(self.assert_guest_started(uuid).drive, uuid)
        self.assertEqual(self.downloads(), 1)


if __name__ == "__main__":
    private_machine.run_stories()
