"""The disks of an instance, as Nova's own blockinfo and _create_image decide on them and as the agent makes them.

Each row is one creation request. Nova is run once for all of them, in a process of its own (nova_plan.py); the agent
makes each. Skips where python3-nova isn't installed.
"""

import json
import subprocess
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import images
from harness import ROOT, new_uuid
from image_story import ImageStory

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("nova_plan.py")
PATIENCE = 300


def volume(*names: str) -> list[dict]:
    return [{"mount_device": name} for name in names]


def ephemerals(*devices: dict) -> list[dict]:
    return [{"size": 1, **device} for device in devices]


def image(**properties) -> dict:
    return {"image_meta": {"properties": properties}}


def devices(**told) -> dict:
    return {"block_device_info": told}


ALL = {"flavor": {"root_gb": 1, "ephemeral_gb": 1, "swap": 8}, "os_type": "linux"}
SWAP = {"flavor": {"root_gb": 1, "swap": 8}}
PLAIN = {"flavor": {"root_gb": 1}}

SAME = [
    ("nothing but an image", {}),
    ("a root disk of the flavor's size", PLAIN),
    ("all that a flavor has", ALL),
    ("all, for an unknown system", {**ALL, "os_type": None}),
    ("ephemeral disk only", {"flavor": {"ephemeral_gb": 1}}),
    ("swap only", {"flavor": {"swap": 8}}),
    ("ephemerals in place of the flavor's", {**ALL, **devices(ephemerals=ephemerals({"device_name": "/dev/vdb"}))}),
    ("an empty list of ephemerals", {**ALL, **devices(ephemerals=[])}),
    ("three ephemerals", {**PLAIN, **devices(ephemerals=ephemerals(
        {"device_name": "/dev/vdd"}, {"guest_format": "xfs"}, {"guest_format": "ext3"}))}),
    ("unnamed ephemerals", {**SWAP, **devices(ephemerals=ephemerals({}, {}))}),
    ("an unnamed ephemeral behind a named one", {**SWAP, **devices(ephemerals=ephemerals(
        {"device_name": "/dev/vdc"}, {}))}),
    ("swap of the block devices", {**PLAIN, **devices(swap={"device_name": "/dev/vdb", "swap_size": 16})}),
    ("swap of the block devices and of the flavor", {**SWAP, **devices(
        swap={"device_name": "/dev/vdb", "swap_size": 16})}),
    ("swap of no size in the block devices", {**SWAP, **devices(swap={"device_name": "/dev/vdb", "swap_size": 0})}),
    ("swap without a device", {**PLAIN, **devices(swap={"swap_size": 16})}),
    ("swap where the default ephemeral disk would go", {**ALL, **devices(
        swap={"device_name": "/dev/vdb", "swap_size": 16})}),
    ("swap behind the default ephemeral disk", {**ALL, **devices(swap={"device_name": "/dev/vdc", "swap_size": 16})}),
    ("root on a volume", {**PLAIN, "image_ref": None, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("root on a volume, the root device not named", {**PLAIN, "image_ref": None, **devices(
        block_device_mapping=volume("vda"))}),
    ("root on a volume although an image is named", {**PLAIN, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("root on a volume, ephemeral disk and swap here", {**ALL, "image_ref": None, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("root on the volume of boot_index 0", {**SWAP, "image_ref": None, **devices(
        root_device_name="/dev/vda", block_device_mapping=[{"mount_device": "/dev/vda", "boot_index": 0},
                                                           {"mount_device": "/dev/vdf", "boot_index": -1}])}),
    ("root on a SCSI volume", {**ALL, "image_ref": None, **devices(
        root_device_name="/dev/sda", block_device_mapping=volume("/dev/sda"))}),
    ("a volume far away", {**ALL, **devices(root_device_name="/dev/vda", block_device_mapping=volume("/dev/vdz"))}),
    ("a volume where the default ephemeral disk would go", {**PLAIN, "flavor": {"root_gb": 1, "ephemeral_gb": 1},
        **devices(root_device_name="/dev/vda", block_device_mapping=volume("/dev/vdb"))}),
    ("a volume on another bus", {**ALL, **devices(
        root_device_name="/dev/sda", block_device_mapping=volume("/dev/vdb"))}),
    ("a volume on the same other bus", {"flavor": {"root_gb": 1, "ephemeral_gb": 1}, **devices(
        root_device_name="/dev/sda", block_device_mapping=volume("/dev/sdb"))}),
    ("two volumes, root one of them", {"flavor": {"root_gb": 1, "ephemeral_gb": 1}, "image_ref": None, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda", "/dev/vdb"))}),
    ("an unnamed ephemeral and a volume on the next device", {**SWAP, **devices(
        ephemerals=ephemerals({}), block_device_mapping=volume("/dev/vdb"))}),
    ("a root device that isn't the first", {**ALL, **devices(root_device_name="/dev/vdb")}),
    ("a kernel", {**PLAIN, "kernel_id": "KERNEL"}),
    ("a kernel with its ramdisk", {**ALL, "kernel_id": "KERNEL", "ramdisk_id": "RAMDISK"}),
    ("a ramdisk alone", {**PLAIN, "ramdisk_id": "RAMDISK"}),
    ("a kernel, and root on a volume", {**PLAIN, "image_ref": None, "kernel_id": "KERNEL", **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("a rescue", {**ALL, "suffix": ".rescue"}),
    ("a rescue with a kernel and its ramdisk", {
        **ALL, "suffix": ".rescue", "kernel_id": "KERNEL", "ramdisk_id": "RAMDISK"}),
    ("disks on SCSI by the image", {**ALL, **image(hw_disk_bus="scsi")}),
    ("disks on SATA by the image", {**ALL, **image(hw_disk_bus="sata")}),
    ("disks on USB by the image", {**ALL, **image(hw_disk_bus="usb")}),
    ("disks on IDE by the image", {**ALL, **image(hw_disk_bus="ide")}),
    ("disks on the adapter that VMware called so", {**ALL, **image(vmware_adaptertype="lsiLogic")}),
    ("named ephemerals on the image's bus", {**PLAIN, **image(hw_disk_bus="sata"), **devices(
        root_device_name="/dev/sda", ephemerals=ephemerals({"device_name": "/dev/sdc"}, {}))}),
    ("a root device of another bus than the image's", {**ALL, **image(hw_disk_bus="scsi"), **devices(
        root_device_name="/dev/vda")}),
    ("a rescue on the image's bus", {**ALL, "suffix": ".rescue", **image(hw_disk_bus="sata")}),
    ("a rescue on the image's bus of an instance whose root device is named", {
        **ALL, "suffix": ".rescue", **image(hw_disk_bus="scsi"), **devices(root_device_name="/dev/vda")}),
    ("a rescue of an instance on a volume", {**PLAIN, "suffix": ".rescue", **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("a root device that the image names, and no bus", {**ALL, **image(root_device_name="/dev/sda")}),
    ("a root device that the image names, not the first", {**ALL, **image(root_device_name="/dev/vdb")}),
    ("a root device that the image names, on its bus", {**ALL, **image(
        root_device_name="/dev/sda", hw_disk_bus="scsi")}),
    ("a root device that the image names, on another bus", {**ALL, **image(
        root_device_name="/dev/vda", hw_disk_bus="sata")}),
    ("a root device that the image names, and a volume", {**ALL, **image(root_device_name="/dev/sda"), **devices(
        block_device_mapping=volume("/dev/sdb"))}),
    ("a root device that the image names, and another that the request names", {
        **ALL, **image(root_device_name="/dev/sda"), **devices(root_device_name="/dev/vda")}),
    ("a rescue of an instance whose root device the image names", {
        **ALL, "suffix": ".rescue", **image(root_device_name="/dev/sda")}),
]

# Each with a config drive, on both media: a disc on the bus of optical drives, a disk on the bus of disks.
DRIVES = [
    ("nothing but an image", {}),
    ("all that a flavor has", ALL),
    ("disks on virtio", image(hw_disk_bus="virtio")),
    ("disks on SCSI", {**ALL, **image(hw_disk_bus="scsi")}),
    ("disks on SATA", {**ALL, **image(hw_disk_bus="sata")}),
    ("disks on IDE, the last of four", {**ALL, **image(hw_disk_bus="ide")}),
    ("discs on SATA", {**ALL, **image(hw_cdrom_bus="sata")}),
    ("discs on IDE, disks on virtio", image(hw_disk_bus="virtio", hw_cdrom_bus="ide")),
    ("discs on SATA, disks on SCSI, which have the same names", {**ALL, **image(
        hw_disk_bus="scsi", hw_cdrom_bus="sata")}),
    ("discs on SATA, disks on IDE", image(hw_disk_bus="ide", hw_cdrom_bus="sata")),
    ("discs and disks on IDE", image(hw_disk_bus="ide", hw_cdrom_bus="ide")),
    ("discs on USB", image(hw_cdrom_bus="usb")),
    ("a q35 machine", {**ALL, **image(hw_machine_type="q35")}),
    ("a q35 machine with disks on SCSI", image(hw_machine_type="pc-q35-7.2", hw_disk_bus="scsi")),
    ("a q35 machine with discs on IDE", image(hw_machine_type="q35", hw_cdrom_bus="ide")),
    ("a machine that isn't q35", image(hw_machine_type="pc-i440fx-7.2")),
    ("an ARM machine", image(hw_architecture="aarch64")),
    ("a root device that the image names, and no bus", {**ALL, **image(root_device_name="/dev/sda")}),
    ("a root device that the image names, on a q35 machine", image(root_device_name="/dev/sda", hw_machine_type="q35")),
    ("a root device that the image names, where a disc would go", image(root_device_name="/dev/hda")),
    ("a root device of another bus than the image's", {**ALL, **image(hw_disk_bus="scsi"), **devices(
        root_device_name="/dev/vda")}),
    ("a root device that the request names", {**ALL, **devices(root_device_name="/dev/sda")}),
    ("a root device that the request names, discs on SATA", {**ALL, **image(hw_cdrom_bus="sata"), **devices(
        root_device_name="/dev/sda")}),
    ("a volume where a disk would go", {**SWAP, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vdc"))}),
    ("a volume where a disc would go", devices(root_device_name="/dev/vda", block_device_mapping=volume("/dev/hda"))),
    ("unnamed ephemerals and a volume between them", {**PLAIN, **devices(
        ephemerals=ephemerals({}, {}), block_device_mapping=volume("/dev/vdb"))}),
    ("swap of no size where a disk would go", {**PLAIN, **devices(swap={"device_name": "/dev/vdb", "swap_size": 0})}),
    ("swap of no size, and the flavor's", {**SWAP, **devices(swap={"device_name": "/dev/vdb", "swap_size": 0})}),
    ("root on a volume", {**ALL, "image_ref": None, **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vda"))}),
    ("a rescue", {**ALL, "suffix": ".rescue"}),
    ("a rescue with disks on SCSI", {"suffix": ".rescue", **image(hw_disk_bus="scsi")}),
    ("a rescue with disks on IDE", {"suffix": ".rescue", **image(hw_disk_bus="ide")}),
    ("a rescue with discs on SATA, disks on SCSI", {"suffix": ".rescue", **image(
        hw_disk_bus="scsi", hw_cdrom_bus="sata")}),
    ("a rescue on a q35 machine", {"suffix": ".rescue", **image(hw_machine_type="q35")}),
    ("a rescue of an instance whose root device the image names", {
        "suffix": ".rescue", **image(root_device_name="/dev/sda")}),
    ("a rescue of an instance with a volume", {"suffix": ".rescue", **devices(
        root_device_name="/dev/vda", block_device_mapping=volume("/dev/vdc", "/dev/hda"))}),
]

# A device that a volume has taken gets no swap: Nova looks for that too, but never finds it, for it skips the names of
# volumes when it chooses a device.
GIVEN_UP = [
    ("a volume where swap would go", {**SWAP, **devices(block_device_mapping=volume("/dev/vdb"))}),
    ("a volume where ephemeral disk and swap would go", {**ALL, **devices(block_device_mapping=volume("/dev/vdb"))}),
    ("a volume behind the default ephemeral disk", {**ALL, **devices(block_device_mapping=volume("/dev/vdc"))}),
]


class DiskPlan(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import nova.virt.libvirt.driver"], capture_output=True).returncode != 0:
            self.skipTest("python3-nova isn't installed: tools/install-packages.sh peers")
        image, kernel, ramdisk = images.other_raw(), self.scratch / "vmlinuz", self.scratch / "initrd"
        kernel.write_bytes(b"MZ" + bytes(5000))
        ramdisk.write_bytes(b"\x1f\x8b\x08" + bytes(7000))
        self.refs = {None: None, "KERNEL": self.file_url(kernel), "RAMDISK": self.file_url(ramdisk)}
        self.image = self.file_url(image)
        self.sizes = {self.image: image.stat().st_size, self.refs["KERNEL"]: 5002, self.refs["RAMDISK"]: 7003}

    def request(self, row: dict) -> dict:
        return {"image_ref": self.image, **row,
                **{name: self.refs[row[name]] for name in ("kernel_id", "ramdisk_id") if name in row}}

    def by_nova(self, requests: list[dict], medium: str = "iso9660") -> list[list[dict]]:
        state = self.scratch / f"nova-{medium}"
        state.mkdir()
        environment = self.environment(HOME="/dev/null", PYTHONPATH=str(ROOT / "tests" / "bench"))
        done = subprocess.run([PYTHON, PROGRAM, state, medium], input=json.dumps(requests), env=environment, text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def own_size(self, request: dict, disk: str) -> int:
        ref = {"kernel": "kernel_id", "ramdisk": "ramdisk_id"}.get(disk.removesuffix(".rescue"), "image_ref")
        return self.sizes[request[ref]]

    def expected(self, request: dict, made: list[dict]) -> list[tuple]:
        """Names, sizes and base files as Nova has them. Names of ephemeral base files are ours on purpose."""
        return [(disk["name"], disk["size"] or self.own_size(request, disk["name"]),
                 "ephemeral" if disk["base"].startswith("ephemeral") else disk["base"]) for disk in made]

    @staticmethod
    def found(answer: dict) -> list[tuple]:
        return [(disk["name"], disk["size_bytes"], "ephemeral" if disk["base"].startswith("ephemeral") else disk["base"])
                for disk in answer["disks"]]

    def assert_same_devices(self, uuid: str, suffix: str, made: list[dict]) -> None:
        """What the guest finds them as, by libvirt.xml."""
        domain = ET.parse(self.instances_path / uuid / f"libvirt.xml{suffix}")
        found = {Path(disk.find("source").get("file")).name: (disk.find("target"), disk.get("device"))
                 for disk in domain.iter("disk")}
        self.assertEqual({name: (target.get("dev"), target.get("bus"), kind) for name, (target, kind) in found.items()},
                         {disk["name"]: (disk["device"], disk["bus"], disk["type"]) for disk in made if disk["device"]})

    def test_the_same_disks_are_made_as_nova_makes(self):
        self.assertGreaterEqual(len(SAME), 25)
        requests = [self.request(row) for _, row in SAME]
        _, client = self.daemon()
        for (what, _), request, made in zip(SAME, requests, self.by_nova(requests), strict=True):
            with self.subTest(what):
                uuid = new_uuid()
                answer = client.create(uuid, request)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.found(answer.body), self.expected(request, made))
                self.assert_same_devices(uuid, request.get("suffix", ""), made)

    def test_the_config_drive_is_where_nova_has_it(self):
        self.assertGreaterEqual(len(DRIVES), 24)
        requests = [{**self.request(row), "config_drive": True} for _, row in DRIVES]
        for medium, kind in (("iso9660", "cdrom"), ("vfat", "disk")):
            config = self.config(f"{medium}.conf", DEFAULT={"config_drive_format": medium})
            _, client = self.daemon(config, f"{medium}.sock")
            for (what, _), request, made in zip(DRIVES, requests, self.by_nova(requests, medium), strict=True):
                with self.subTest(what, medium=medium):
                    uuid, suffix = new_uuid(), request.get("suffix", "")
                    self.assertEqual((made[-1]["name"], made[-1]["type"]), ("disk.config" + suffix, kind))
                    answer = client.create(uuid, request)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assert_same_devices(uuid, suffix, made)

    def test_a_device_that_a_volume_has_taken_gets_no_swap(self):
        requests = [self.request(row) for _, row in GIVEN_UP]
        _, client = self.daemon()
        for (what, _), request, made in zip(GIVEN_UP, requests, self.by_nova(requests), strict=True):
            with self.subTest(what):
                answer = client.create(new_uuid(), request)
                self.assertEqual(answer.status, 200, answer.body)
                expected = self.expected(request, made)
                self.assertIn("disk.swap", [name for name, _, _ in expected], "Nova has learnt it: move the row")
                self.assertEqual(self.found(answer.body), [disk for disk in expected if disk[0] != "disk.swap"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
