"""What an instance's directory holds besides its disks: console.log, libvirt.xml, and whose all of it is."""

import os
import shutil
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import images
from harness import creation, new_uuid, tool
from image_story import ImageStory

NOBODY = 12345  # a user and a group that no node has
ALL = {"root_gb": 1, "flavor": {"ephemeral_gb": 1, "swap": 16}, "os_type": "linux", "config_drive": True}


class FilesStory(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.image = self.file_url(images.qcow2())
        self.uuid = new_uuid()

    @property
    def directory(self) -> Path:
        return self.instances_path / self.uuid

    def create(self, client, image: str | None = None, **fields) -> dict:
        return self.assert_created(client.create(self.uuid, creation(image or self.image, **fields)))

    def kernel(self) -> str:
        path = self.scratch / "vmlinuz"
        path.write_bytes(images.bzimage())
        return self.file_url(path)

    def domain(self, name: str = "libvirt.xml") -> ET.Element:
        return ET.fromstring((self.directory / name).read_text())

    def validated(self, name: str = "libvirt.xml") -> ET.Element:
        """The domain, which is one for libvirt's own schema too."""
        for program in ("virt-xml-validate", "xmllint"):
            if not shutil.which(program):
                self.skipTest(f"no {program}: tools/install-packages.sh test")
        tool("virt-xml-validate", self.directory / name, "domain")
        return self.domain(name)

    def disks_of(self, domain: ET.Element) -> list[tuple]:
        """Device, bus, kind, format and file name of each."""
        return [(disk.find("target").get("dev"), disk.find("target").get("bus"), disk.get("device"),
                 disk.find("driver").get("type"), Path(disk.find("source").get("file")).name)
                for disk in domain.iter("disk")]

    def owner_and_mode(self, path: Path) -> tuple[int, int, int]:
        found = path.stat()
        return found.st_uid, found.st_gid, found.st_mode & 0o7777


class ConsoleLog(FilesStory):
    def test_it_is_there_before_the_hypervisor_and_stays_what_it_is(self):
        _, client = self.daemon()
        self.create(client, root_gb=1)
        log = self.directory / "console.log"
        self.assertEqual(log.read_bytes(), b"")
        log.write_bytes(b"Linux version 6\n")
        log.chmod(0o640)
        before = log.stat()
        self.create(client, root_gb=2, flavor={"swap": 16})
        after = log.stat()
        self.assertEqual((after.st_ino, after.st_mode, after.st_mtime_ns), (before.st_ino, before.st_mode, before.st_mtime_ns))
        self.assertEqual(log.read_bytes(), b"Linux version 6\n")

    def test_it_comes_to_an_instance_that_has_none(self):
        _, client = self.daemon()
        self.create(client)
        (self.directory / "console.log").unlink()
        self.create(client)
        self.assertEqual((self.directory / "console.log").read_bytes(), b"")

    def test_it_is_no_disk(self):
        _, client = self.daemon()
        disks = self.create(client)
        self.assertEqual(list(disks), ["disk"])
        self.assertEqual([disk["name"] for disk in client.get(f"/v1/instances/{self.uuid}").body["disks"]], ["disk"])
        self.assertNotIn("console.log", (self.directory / "disk.info").read_text())
        pruned = client.request("POST", "/v1/cache/prune", {"dry_run": True})
        self.assertEqual(pruned.status, 200, pruned.body)
        self.assertNotIn("console.log", str(pruned.body))
        self.assertEqual(client.request("DELETE", f"/v1/instances/{self.uuid}").status, 200)
        self.assertFalse(self.directory.exists())

    def test_a_link_in_its_place_is_left_alone(self):
        _, client = self.daemon()
        self.create(client)
        log, elsewhere = self.directory / "console.log", self.scratch / "elsewhere.log"
        log.unlink()
        log.symlink_to(elsewhere)
        self.create(client)
        self.assertTrue(log.is_symlink())
        self.assertFalse(elsewhere.exists())


class LibvirtXml(FilesStory):
    def test_it_tells_libvirt_of_the_disks_that_were_made(self):
        _, client = self.daemon()
        for images_type in ("qcow2", "raw"):
            with self.subTest(images_type):
                self.uuid = new_uuid()
                self.create(client, root_gb=1, os_type="linux", config_drive=True, images_type=images_type,
                            flavor={"ephemeral_gb": 1, "swap": 16, "memory_mb": 2048, "vcpus": 2})
                domain = self.validated()
                self.assertEqual(self.disks_of(domain), [
                    ("vda", "virtio", "disk", images_type, "disk"), ("vdb", "virtio", "disk", images_type, "disk.local"),
                    ("vdc", "virtio", "disk", images_type, "disk.swap"), ("hda", "ide", "cdrom", "raw", "disk.config")])
                self.assertEqual((domain.get("type"), domain.findtext("uuid"), domain.findtext("memory"),
                                  domain.findtext("vcpu")), ("kvm", self.uuid, "2048", "2"))
                self.assertEqual(domain.find("devices/serial/log").get("file"), str(self.directory / "console.log"))
                self.assertIn(domain.find("devices/disk/driver").get("cache"), ("none", "writeback"))

    def test_it_tells_how_preallocated_disks_are_read(self):
        _, client = self.daemon(self.config(DEFAULT={"preallocate_images": "space"}))
        self.create(client, flavor={"swap": 16}, config_drive=True, images_type="raw")
        drivers = [disk.find("driver") for disk in self.validated().iter("disk")]
        native = {"none": "native", "writeback": "threads"}[drivers[0].get("cache")]
        self.assertEqual([driver.get("io") for driver in drivers], [native, native, None])

    def test_devices_keep_the_names_that_the_request_gives_them(self):
        _, client = self.daemon()
        self.create(client, root_gb=1, block_device_info={
            "root_device_name": "/dev/sda", "ephemerals": [{"size": 1, "device_name": "/dev/sdc"}, {"size": 1}],
            "swap": {"device_name": "/dev/sdd", "swap_size": 16}, "block_device_mapping": [{"mount_device": "/dev/sdb"}]})
        self.assertEqual([(device, bus, name) for device, bus, _, _, name in self.disks_of(self.validated())], [
            ("sda", "scsi", "disk"), ("sdc", "scsi", "disk.eph0"), ("sde", "scsi", "disk.eph1"), ("sdd", "scsi", "disk.swap")])
        self.assertIn("<!-- /dev/sdb: a volume", (self.directory / "libvirt.xml").read_text())

    def test_it_is_made_anew_when_the_instance_changes(self):
        _, client = self.daemon()
        self.create(client, root_gb=1)
        path = self.directory / "libvirt.xml"
        before = path.stat()
        self.create(client, root_gb=1)
        self.assertEqual((path.stat().st_ino, path.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns), "nothing changed")
        self.create(client, root_gb=1, flavor={"swap": 16})
        self.assertEqual([disk[-1] for disk in self.disks_of(self.validated())], ["disk", "disk.swap"])
        self.assert_nothing_staged()

    def test_what_a_caller_gave_stays_until_another_is_given(self):
        _, client = self.daemon()
        mine = f"<domain type='qemu'><name>mine</name><uuid>{self.uuid.upper()}</uuid></domain>\n"
        self.create(client, root_gb=1, libvirt_xml=mine)
        path = self.directory / "libvirt.xml"
        self.assertEqual(path.read_text(), mine)
        self.create(client, root_gb=1, flavor={"swap": 16})
        self.assertEqual(path.read_text(), mine)
        self.create(client, root_gb=1, libvirt_xml=mine.replace("mine", "other"))
        self.assertEqual(path.read_text(), mine.replace("mine", "other"))

    def test_who_takes_ours_and_changes_it_keeps_it(self):
        _, client = self.daemon()
        self.create(client, root_gb=1)
        path = self.directory / "libvirt.xml"
        changed = path.read_text().replace("<vcpu>1<", "<vcpu>3<")
        self.create(client, root_gb=1, libvirt_xml=changed)
        self.assertTrue(changed.endswith(path.read_text()))
        self.create(client, root_gb=1, flavor={"swap": 16})
        self.assertEqual(self.domain().findtext("vcpu"), "3")

    def test_what_is_no_domain_of_this_instance_is_refused_before_anything_is_made(self):
        _, client = self.daemon()
        for text, why in (("<domain>", "is not XML"), ("<instance/>", "root element 'instance'"), ("", ""),
                          (f"<domain><uuid>{new_uuid()}</uuid></domain>", "another instance"),
                          ("<domain/>\x00<x", "control characters"), ("<domain/>" + " " * 262144, "at most 262144")):
            with self.subTest(text[:20]):
                answer = client.create(self.uuid, creation(self.image, libvirt_xml=text))
                if why:
                    self.assert_problem(answer, 400, "invalid_request", "libvirt_xml", why)
                    self.assertFalse(self.directory.exists())
                else:
                    self.assert_created(answer)
                    client.request("DELETE", f"/v1/instances/{self.uuid}")

    def test_a_kernel_is_booted_with_the_root_device(self):
        _, client = self.daemon(self.config(libvirt={"virt_type": "qemu"}))
        self.create(client, root_gb=1, kernel_id=self.kernel(), ramdisk_id=self.kernel())
        os_element = self.validated().find("os")
        self.assertEqual([os_element.findtext(name) for name in ("kernel", "initrd")],
                         [str(self.directory / "kernel"), str(self.directory / "ramdisk")])
        self.assertIn("root=/dev/vda ", os_element.findtext("cmdline"))

    def test_a_rescue_boots_its_own_disk_before_the_instance_s(self):
        _, client = self.daemon()
        self.create(client, **ALL)
        own = (self.directory / "libvirt.xml").read_text()
        (self.directory / "console.log").unlink()
        self.create(client, suffix=".rescue", kernel_id=self.kernel(), config_drive=True, images_type="raw")
        domain = self.validated("libvirt.xml.rescue")
        self.assertEqual(self.disks_of(domain), [
            ("vda", "virtio", "disk", "raw", "disk.rescue"), ("vdb", "virtio", "disk", "qcow2", "disk"),
            ("hda", "ide", "cdrom", "raw", "disk.config.rescue")])
        self.assertEqual(domain.findtext("os/kernel"), str(self.directory / "kernel.rescue"))
        self.assertEqual((self.directory / "libvirt.xml").read_text(), own)
        self.assertFalse((self.directory / "console.log").exists(), "a rescue makes none")
        removed = client.request("DELETE", f"/v1/instances/{self.uuid}?suffix=.rescue").body
        self.assertEqual(removed["disks"], ["disk.config.rescue", "disk.rescue", "kernel.rescue"])
        self.assertFalse((self.directory / "libvirt.xml.rescue").exists())
        self.assertEqual((self.directory / "libvirt.xml").read_text(), own)

    def test_an_instance_on_a_volume_has_a_directory_too(self):
        _, client = self.daemon()
        self.assert_created(client.create(self.uuid, {"block_device_info": {
            "root_device_name": "/dev/vda", "block_device_mapping": [{"mount_device": "/dev/vda"}]}}))
        self.assertEqual(sorted(path.name for path in self.directory.iterdir()), ["console.log", "disk.info", "libvirt.xml"])
        self.assertEqual(self.disks_of(self.validated()), [])
        self.assertEqual(client.get(f"/v1/instances/{self.uuid}").body["disks"], [])


class Containers(FilesStory):
    def test_a_container_has_its_root_file_system_alone(self):
        _, client = self.daemon(self.config(libvirt={"virt_type": "lxc"}))
        for images_type, driver in (("raw", "loop"), ("qcow2", "nbd")):
            with self.subTest(images_type):
                self.uuid = new_uuid()
                self.create(client, **ALL, images_type=images_type)
                domain = self.validated()
                self.assertEqual((domain.get("type"), len(list(domain.iter("disk")))), ("lxc", 0))
                root = domain.find("devices/filesystem")
                self.assertEqual((root.find("driver").get("type"), root.find("source").get("file"),
                                  root.find("target").get("dir")), (driver, str(self.directory / "disk"), "/"))

    def test_an_image_with_partitions_is_no_root_file_system(self):
        disk = self.scratch / "partitioned.raw"
        linux = bytes((0, 0, 2, 0, 0x83, 0, 0, 0)) + (2048).to_bytes(4, "little") + (4096).to_bytes(4, "little")
        disk.write_bytes((bytes(446) + linux).ljust(510, b"\0") + b"\x55\xaa" + bytes(4 << 20))
        _, client = self.daemon(self.config(libvirt={"virt_type": "lxc"}))
        answer = client.create(self.uuid, creation(self.file_url(disk)))
        self.assert_problem(answer, 422, "image_unacceptable", "has a partition table", "without partitions")
        self.assertFalse(self.directory.exists())
        self.assert_nothing_staged()


class Owners(FilesStory):
    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")

    def test_new_files_have_the_configured_owner_and_mode(self):
        config = self.config(basecache={"disk_owner": f"{NOBODY}:{NOBODY + 1}", "disk_mode": "0640"})
        _, client = self.daemon(config)
        for images_type in ("qcow2", "raw"):
            with self.subTest(images_type):
                self.uuid = new_uuid()
                disks = self.create(client, **ALL, images_type=images_type, kernel_id=self.kernel())
                for name in [*disks, "console.log"]:
                    self.assertEqual(self.owner_and_mode(self.directory / name), (NOBODY, NOBODY + 1, 0o640), name)
                own = (os.geteuid(), os.getegid())
                self.assertEqual(self.owner_and_mode(self.directory / "libvirt.xml"), (*own, 0o640))
                self.assertEqual(self.owner_and_mode(self.directory), (*own, 0o755))
        for path in self.visible_base_files():
            self.assertEqual(path.stat().st_mode & 0o777, 0o444, "the disks' owner reads what they stand on")
        self.assertEqual(self.base.stat().st_mode & 0o777, 0o755)

    def test_what_is_there_keeps_its_owner(self):
        _, client = self.daemon()
        self.create(client, root_gb=1)
        self.assertEqual(self.owner_and_mode(self.directory / "disk"), (0, 0, 0o600))
        os.chown(self.directory / "disk", NOBODY, NOBODY)
        self.create(client, root_gb=2)
        self.assertEqual(self.owner_and_mode(self.directory / "disk"), (NOBODY, NOBODY, 0o600))

    def test_the_directory_s_owner_owns_libvirt_xml(self):
        os.chown(self.instances_path, NOBODY, NOBODY)
        self.scratch.chmod(0o755)
        _, client = self.daemon()
        self.create(client)
        for path in (self.directory, self.directory / "libvirt.xml"):
            self.assertEqual(self.owner_and_mode(path)[:2], (NOBODY, NOBODY), path)

    def test_user_mode_linux_has_root_s_root_disk(self):
        config = self.config(libvirt={"virt_type": "uml"}, basecache={"disk_owner": f"{NOBODY}:{NOBODY}"})
        _, client = self.daemon(config)
        self.create(client, **ALL, images_type="raw")
        self.assertEqual(self.owner_and_mode(self.directory / "disk"), (0, NOBODY, 0o600))
        self.assertEqual(self.owner_and_mode(self.directory / "disk.local"), (NOBODY, NOBODY, 0o600))
        self.assertEqual([disk.find("target").get("dev") for disk in self.domain().iter("disk")][:2], ["ubda", "ubdb"])

    def test_an_unknown_user_stops_the_start(self):
        for owner, what in (("nobody-is-called-so", "there is no user 'nobody-is-called-so'"),
                            ("root:no-group-is-called-so", "there is no group 'no-group-is-called-so'")):
            with self.subTest(owner):
                daemon, _ = self.daemon(self.config(basecache={"disk_owner": owner}), ready=False)
                self.assertEqual(daemon.wait(), 2)
                self.assertIn("[basecache] disk_owner", daemon.text())
                self.assertIn(what, daemon.text())
                self.assertIn("hint=", daemon.text())

    def test_who_may_not_give_files_away_is_told_at_the_start(self):
        config = self.config(basecache={"disk_owner": f"{NOBODY}:{NOBODY}"})
        wrapper = ["setpriv", "--bounding-set", "-chown", "--inh-caps", "-chown"]
        daemon, _ = self.daemon(config, wrapper=wrapper, ready=False)
        self.assertEqual(daemon.wait(), 2)
        self.assertIn("can't be given to that user: Operation not permitted", daemon.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
