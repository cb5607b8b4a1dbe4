"""What an image's record says reaches the instance: the registry's, a request's, a volume's."""

import json
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

from harness import creation, new_uuid
from registry_story import RegistryStory

PROPERTIES = {"hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi", "os_type": "linux", "os_distro": "debian12",
              "somebody's own": "x" * 300}


BLANK = {"source_type": "blank", "destination_type": "local"}
DEVICES = {"bdm_v2": "True", "block_device_mapping": json.dumps([
    {**BLANK, "guest_format": "swap", "volume_size": 8, "device_name": "/dev/vdd"},
    {**BLANK, "guest_format": "ext3", "volume_size": 1, "device_name": "vdb"}])}
LARGE = {"root_gb": 1, "ephemeral_gb": 1, "swap": 16}


class ImageProperties(RegistryStory):
    def give(self, **members) -> None:
        self.image.record.update(members)

    def made(self, uuid: str | None = None, **fields) -> tuple[str, dict]:
        """An instance of the image and its disks."""
        uuid = uuid or new_uuid()
        return uuid, self.assert_created(self.client.create(uuid, creation(self.image.id, 1, **fields)))

    def refused(self, status: int, code: str, *words: str, **fields) -> dict:
        """Before a byte of the image is fetched, and nothing of it is left."""
        problem = self.assert_problem(self.create(**fields), status, code, *words)
        self.assertEqual(self.fetches(), [])
        self.assert_nothing_visible()
        self.assertEqual([path for path in self.tree() if path.count("-") == 4], [])
        return problem

    def shown(self, uuid: str) -> dict | None:
        return self.client.get(f"/v1/instances/{uuid}").body.get("image")

    def metadata(self, uuid: str) -> dict:
        return self.shown(uuid)["system_metadata"]

    def descriptions(self) -> int:
        return len(self.registry.asked("GET", self.image.path))

    def targets(self, uuid: str, suffix: str = "") -> dict[str, tuple]:
        """Device and bus of each disk, by libvirt.xml."""
        domain = ET.parse(self.instances_path / uuid / f"libvirt.xml{suffix}")
        return {Path(disk.find("source").get("file")).name: (disk.find("target").get("dev"), disk.find("target").get("bus"))
                for disk in domain.iter("disk")}

    def test_every_property_reaches_the_instance(self):
        self.give(**PROPERTIES, min_ram=256, min_disk=1)
        self.start()
        uuid, _ = self.made()
        shown = self.shown(uuid)
        self.assertEqual(shown["ref"], self.image.id)
        self.assertEqual(shown["system_metadata"], {
            "image_hw_disk_bus": "scsi", "image_hw_scsi_model": "virtio-scsi", "image_os_type": "linux",
            "image_os_distro": "debian12", "image_somebody's own": "x" * 255, "image_min_ram": "256",
            "image_min_disk": "1", "image_disk_format": "raw", "image_container_format": "bare",
            "image_base_image_ref": self.image.id})
        self.assertEqual(self.targets(uuid)["disk"], ("sda", "scsi"))
        kept = self.instances_path / uuid / "image_meta.json"
        self.assertEqual(json.loads(kept.read_text()), shown)
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.descriptions(), 1)
        config = self.scratch / "basecache.conf"
        table = self.cli("--socket", self.scratch / "agent.sock", "show", uuid, config=config)
        self.assertRegex(table.out, r"image_hw_scsi_model +virtio-scsi\n")
        self.assertRegex(table.out, f"IMAGE +{self.image.id}\n")

    def test_an_old_registry_tells_the_same(self):
        self.give(properties=PROPERTIES, min_ram=256)
        self.start(glance={"api_version": 1, "api_servers": self.registry.address})
        uuid, _ = self.made()
        found = self.metadata(uuid)
        self.assertEqual((found["image_hw_disk_bus"], found["image_min_ram"]), ("scsi", "256"))

    def test_a_cached_image_is_known_after_a_restart_without_asking(self):
        self.give(**PROPERTIES)
        self.start()
        first, _ = self.made()
        self.restart()
        second, disks = self.made()
        self.assertEqual(disks["disk"]["how"], "hit")
        self.assertEqual(self.metadata(second), self.metadata(first))
        self.assertEqual(self.targets(second)["disk"], ("sda", "scsi"))
        self.assertEqual(self.descriptions(), 1)

    def test_a_base_file_of_before_is_asked_about_once(self):
        self.give(**PROPERTIES)
        self.start()
        self.made()
        record, = (self.base / ".basecache" / "records").iterdir()
        old = json.loads(record.read_text())
        del old["image_meta"]
        record.write_text(json.dumps(old))
        for _ in range(2):
            uuid, _ = self.made()
            self.assertEqual(self.metadata(uuid)["image_hw_disk_bus"], "scsi")
        self.assertEqual(self.descriptions(), 2)

    def test_a_base_file_of_before_is_used_though_nobody_can_be_asked(self):
        self.start()
        self.made()
        record, = (self.base / ".basecache" / "records").iterdir()
        old = json.loads(record.read_text())
        del old["image_meta"]
        record.write_text(json.dumps(old))
        del self.registry.images[self.image.id]
        uuid = new_uuid()
        answer = self.client.create(uuid, creation(self.image.id, 1))
        self.assert_created(answer)
        self.assertIn("properties of image", " ".join(answer.body["notes"]))
        self.assertIsNone(self.shown(uuid))

    def test_a_later_creation_keeps_what_was_kept(self):
        self.give(**PROPERTIES)
        self.start()
        uuid, _ = self.made()
        before = self.shown(uuid)
        self.made(uuid, image_meta={"properties": {"hw_disk_bus": "ide"}}, flavor={"swap": 8})
        self.assertEqual(self.shown(uuid), before)
        self.assertEqual(self.targets(uuid), {"disk": ("sda", "scsi"), "disk.swap": ("sdb", "scsi")})
        (self.instances_path / uuid / "image_meta.json").unlink()
        self.made(uuid)
        self.assertEqual(self.shown(uuid), before, "what got lost is had from the base file's record")

    def test_a_rescue_leaves_the_instances_own(self):
        self.give(**PROPERTIES)
        self.start()
        uuid, _ = self.made()
        before = self.shown(uuid)
        self.made(uuid, suffix=".rescue", image_meta={"properties": {"hw_disk_bus": "usb"}})
        self.assertEqual(self.shown(uuid), before)
        self.assertEqual(self.targets(uuid, ".rescue")["disk.rescue"], ("sda", "usb"))
        removed = self.client.request("DELETE", f"/v1/instances/{uuid}?suffix=.rescue")
        self.assertNotIn("image_meta.json", json.dumps(removed.body))
        self.assertFalse((self.instances_path / uuid / "image_meta.json.rescue").exists())
        self.assertEqual(self.shown(uuid), before)

    def test_an_image_that_needs_more_than_the_flavor_is_not_fetched(self):
        self.start()
        self.give(min_ram=1024)
        self.refused(400, "invalid_request", "disk 'disk'", "1024 MiB", "512 MiB", "min_ram")
        self.give(min_disk=2)
        self.refused(422, "disk_too_small", "disk 'disk'", "2 GiB", "min_disk", flavor={"memory_mb": 1024})
        self.give(min_disk=1)
        self.made(flavor={"memory_mb": 1024})

    def test_a_wrong_property_is_refused_with_what_it_may_be(self):
        self.start()
        self.give(hw_disk_bus="nvme")
        problem = self.refused(422, "image_unacceptable", "hw_disk_bus", "'nvme'", "fdc, ide, sata, scsi, usb, virtio")
        self.assertEqual(problem["fields"]["property"], "hw_disk_bus")
        self.give(hw_disk_bus="xen")
        self.refused(422, "image_unacceptable", "virtio, scsi, ide, usb, fdc, sata with virt_type kvm")
        self.refused(400, "invalid_request", "hw_vif_model", image_meta={"properties": {"hw_vif_model": "x"}})
        self.made(image_meta={"name": "mine", "properties": {"hw_disk_bus": "ide"}})

    def test_a_request_goes_before_the_registry(self):
        self.give(**PROPERTIES, min_ram=4096)
        self.start()
        uuid, _ = self.made(image_meta={"disk_format": "raw", "min_ram": 64,
                                        "properties": {"hw_disk_bus": "sata", "hw_serial_port_count": 2}})
        found = self.metadata(uuid)
        self.assertEqual(found, {"image_disk_format": "raw", "image_min_ram": "64", "image_min_disk": "1",
                                 "image_hw_disk_bus": "sata", "image_hw_serial_port_count": "2",
                                 "image_base_image_ref": self.image.id})
        self.assertEqual(self.targets(uuid)["disk"], ("sda", "sata"))

    def test_a_volume_brings_the_metadata_of_its_image(self):
        self.start()
        uuid = new_uuid()
        volume = {"flavor": {"root_gb": 1, "swap": 8}, "config_drive": True,
                  "block_device_info": {"root_device_name": "/dev/sda",
                                        "block_device_mapping": [{"mount_device": "/dev/sda", "boot_index": 0}]},
                  "volume_image_metadata": {"image_id": self.image.id, "min_disk": "20", "min_ram": "64", "size": "7",
                                            "disk_format": "qcow2", "hw_disk_bus": "scsi", "hw_cdrom_bus": "sata"}}
        self.assert_created(self.client.create(uuid, volume))
        self.assertEqual(self.shown(uuid), {"ref": None, "system_metadata": {
            "image_min_disk": "20", "image_min_ram": "64", "image_hw_disk_bus": "scsi", "image_hw_cdrom_bus": "sata"}})
        self.assertEqual(self.targets(uuid), {"disk.swap": ("sdb", "scsi"), "disk.config": ("sdc", "sata")})
        volume["volume_image_metadata"]["min_ram"] = "1024"
        self.assert_problem(self.client.create(new_uuid(), volume), 400, "invalid_request", "min_ram")
        self.assert_problem(self.create(volume_image_metadata={}), 400, "invalid_request", "volume_image_metadata")

    def test_kernel_and_config_drive_of_the_image(self):
        kernel = self.registry.add_image(b"MZ" + bytes(5000), disk_format="aki", container_format="aki")
        self.give(kernel_id=kernel.id, img_config_drive="mandatory")
        self.start()
        _, disks = self.made()
        self.assertEqual(sorted(disks), ["disk", "disk.config", "kernel"])
        _, disks = self.made(kernel_id="nokernel")
        self.assertEqual(sorted(disks), ["disk", "disk.config"])

    def test_an_image_that_names_disks_gets_them(self):
        self.give(**DEVICES, mappings=json.dumps([{"virtual": "root", "device": "/dev/vdc"}]))
        self.start()
        uuid, disks = self.made(flavor=LARGE)
        self.assertEqual({name: disk["size_bytes"] >> 20 for name, disk in disks.items()},
                         {"disk": 1024, "disk.eph0": 1024, "disk.swap": 8})
        self.assertRegex(disks["disk.eph0"]["base"], "^ephemeral_1_")
        self.assertEqual(disks["disk.swap"]["base"], "swap_8")
        there = {"disk": ("vdc", "virtio"), "disk.eph0": ("vdb", "virtio"), "disk.swap": ("vdd", "virtio")}
        self.assertEqual(self.targets(uuid), there)
        shown = self.shown(uuid)
        self.assertEqual([name for name in shown["system_metadata"] if "mapping" in name], [])
        del self.registry.images[self.image.id]
        _, kept = self.made(uuid, flavor=LARGE)  # what the image said then is known
        self.assertEqual({name: disk["how"] for name, disk in kept.items()}, dict.fromkeys(there, "kept"))
        self.assertEqual((self.targets(uuid), self.shown(uuid)), (there, shown))

    def test_a_request_goes_before_the_disks_that_an_image_names(self):
        self.give(**DEVICES)
        self.start()
        asked = {"ephemerals": [{"device_name": "/dev/vdd", "size": 1, "guest_format": "ext4"}],
                 "block_device_mapping": [{"mount_device": "/dev/vdb"}]}
        uuid, disks = self.made(flavor={**LARGE, "swap": 0}, block_device_info=asked)
        self.assertEqual(self.targets(uuid), {"disk": ("vda", "virtio"), "disk.eph0": ("vdd", "virtio")})

    def test_an_image_that_names_larger_disks_than_the_flavors_is_not_fetched(self):
        self.start()
        self.give(**DEVICES)
        self.refused(422, "disk_too_small", "disk 'disk'", "1 GiB", "block_device_mapping", flavor={**LARGE, "ephemeral_gb": 0})
        self.refused(422, "disk_too_small", "8 MiB", "the flavor has 4 MiB", flavor={**LARGE, "swap": 4})
        self.give(block_device_mapping=json.dumps([{**BLANK, "guest_format": "zfs"}]))
        problem = self.refused(422, "image_unacceptable", "'zfs'", "ext2, ext3, ext4, xfs", flavor=LARGE)
        self.assertEqual(problem["fields"]["property"], "block_device_mapping[0].guest_format")

    def test_an_image_that_boots_from_a_volume_has_no_root_disk(self):
        self.give(block_device_mapping=json.dumps([{"volume_id": new_uuid(), "device_name": "/dev/vda"}]), min_disk=20)
        self.start()
        _, disks = self.made(flavor={"swap": 8})
        self.assertEqual(sorted(disks), ["disk.swap"])
        self.assertEqual(self.fetches(), [])

    def test_an_images_owner_cannot_make_the_node_read_a_file(self):
        self.start()
        other = self.registry.add_image(self.content[:4096], disk_format="raw", kernel_id="file:///etc/passwd")
        self.assert_problem(self.create(other), 422, "image_unacceptable", "kernel_id", "the UUID of an image")

    def test_many_at_once_ask_once_and_all_know(self):
        self.give(**PROPERTIES)
        self.start()
        streams = [(uuid, self.client.create_stream(uuid, creation(self.image.id, 1)))
                   for uuid in (new_uuid() for _ in range(8))]
        for uuid, stream in streams:
            event = stream.last()
            self.assertEqual(event["event"], "result", event)
            self.assertEqual(self.metadata(uuid)["image_hw_disk_bus"], "scsi")
        self.assertEqual(self.descriptions(), 1)
        self.assertEqual(len(self.fetches()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
