"""The domain that `basecache domain-xml` prints is all that libvirt needs."""

import shutil

import private_machine
import tiny_guest
from domain_story import CONFIGURED, DomainStory


class DomainXml(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        image = self.imported(tiny_guest.root_image(), os_command_line=tiny_guest.ARGUMENTS)
        self.words = ["--instance", self.uuid, "--image", image, "--kernel", self.boot_files["kernel_id"],
                      "--ramdisk", self.boot_files["ramdisk_id"], "--memory-mb", 128, "--config-drive"]

    def printed(self, *words: object) -> str:
        done = self.cli(*words, config=CONFIGURED)
        self.assertEqual(done.code, 0, done.err)
        return done.out

    def define_printed(self, *words: object) -> str:
        """The domain's name."""
        self.define(self.printed("domain-xml", *words))
        return self.libvirt.done("list", "--all", "--name")

    def assert_started_from_its_disks(self, starts: int = 1) -> None:
        report = self.assert_guest_started(self.uuid, starts)
        self.assertEqual((report.label, report.drive), ("config-2", self.uuid))

    def test_of_a_created_instance_it_starts(self):
        self.printed("create", *self.words)
        name = self.define_printed(self.uuid)
        self.libvirt.done("start", name)
        self.assert_held()
        self.assert_started_from_its_disks()
        self.libvirt.done("destroy", name)
        self.assert_let_go()

    def test_of_an_instance_without_disks_its_start_makes_them_and_the_next_one_is_warm(self):
        name = self.define_printed(*self.words)
        self.assertFalse(self.directory(self.uuid).exists())
        self.libvirt.done("start", name)
        self.assert_held()
        self.assert_started_from_its_disks()
        self.libvirt.done("destroy", name)
        self.assert_let_go()
        shutil.rmtree(self.scratch / "registry")
        self.libvirt.done("start", name)
        self.assert_started_from_its_disks(starts=2)

    def test_disks_that_are_gone_are_made_anew_from_the_cache(self):
        name = self.define_printed(*self.words)
        self.libvirt.done("start", name)
        self.assert_started_from_its_disks()
        self.libvirt.done("destroy", name)
        shutil.rmtree(self.directory(self.uuid))
        shutil.rmtree(self.scratch / "registry")
        self.libvirt.done("start", name)
        self.assert_started_from_its_disks(starts=1)


if __name__ == "__main__":
    private_machine.run_stories()
