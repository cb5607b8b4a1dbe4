"""Every disk that an instance can have on real LVM, linear, sparse and thin, checked by programs that aren't ours."""

import unittest

import disk_checks
import images
from harness import GIB, MIB, creation, new_uuid
from lvm_story import POOL, LvmStory

ALLOCATIONS = {"linear": {}, "sparse": {"libvirt": {"sparse_logical_volumes": "true"}}, "thin": {"basecache": {"lvm_thin_pool": POOL}}}
FORMATS = ("ext4", "xfs", "vfat")


class DisksOnLvm(LvmStory):
    def setUp(self) -> None:
        super().setUp()
        for name, content in (("vmlinuz", images.bzimage()), ("initrd.gz", images.compressed_ramdisk())):
            (self.scratch / name).write_bytes(content)
        self.boot_files = {"kernel_id": self.file_url(self.scratch / "vmlinuz"),
                           "ramdisk_id": self.file_url(self.scratch / "initrd.gz")}

    def create(self, client, uuid: str, **fields) -> dict:
        """Its disks by name. Each stands where it should, and is what is shown afterwards."""
        disks = self.assert_created(client.create(uuid, self.request(**fields)))
        shown = {disk["name"]: disk for disk in client.get(f"/v1/instances/{uuid}").body["disks"]}
        for name, disk in disks.items():
            is_file = name.split(".")[0] in ("kernel", "ramdisk") or name.startswith("disk.config")
            place = self.instances_path / uuid / name if is_file else self.device(f"{uuid}_{name}")
            self.assertEqual((disk["path"], place.exists()), (str(place), True))
            self.assertEqual({key: shown[name][key] for key in ("path", "format", "size_bytes")},
                             {key: disk[key] for key in ("path", "format", "size_bytes")})
        return disks

    def assert_boot_files(self, disks: dict, suffix: str = "") -> None:
        for name, content in (("kernel", images.bzimage()), ("ramdisk", images.compressed_ramdisk())):
            with open(disks[name + suffix]["path"], "rb") as file:
                self.assertEqual(file.read(), content)

    def assert_config_drive(self, disk: dict) -> None:
        self.assertEqual((disk_checks.tag("TYPE", disk["path"]), disk_checks.tag("LABEL", disk["path"])), ("iso9660", "config-2"))

    def test_each_kind_of_disk_however_volumes_take_their_space(self):
        self.make_pool()
        self.soil(4 * GIB)
        for allocation, options in ALLOCATIONS.items():
            with self.subTest(allocation):
                self.create_grow_and_delete(allocation, options)

    def create_grow_and_delete(self, allocation: str, options: dict) -> None:
        _, client = self.node(**options)
        uuid = new_uuid()
        before = self.volumes()
        devices = {"ephemerals": [{"size": 1, "guest_format": name} for name in FORMATS], "swap": {"swap_size": 16}}
        disks = self.create(client, uuid, block_device_info=devices, config_drive=True, **self.boot_files)
        self.assertEqual(list(disks), ["kernel", "ramdisk", "disk", "disk.eph0", "disk.eph1", "disk.eph2", "disk.swap", "disk.config"])
        self.assertEqual(self.disks_of(uuid), {"disk": 64 * MIB, "disk.eph0": GIB, "disk.eph1": GIB, "disk.eph2": GIB,
                                               "disk.swap": 16 * MIB})
        self.assert_holds(self.device(f"{uuid}_disk"), images.raw().read_bytes())
        for number, name in enumerate(FORMATS):
            disk_checks.check_formatted(self.device(f"{uuid}_disk.eph{number}"), name, f"ephemeral{number}")
        disk_checks.check_formatted(self.device(f"{uuid}_disk.swap"), "swap")
        self.assert_boot_files(disks)
        self.assert_config_drive(disks["disk.config"])
        if allocation == "linear":
            for disk in self.disks_of(uuid):
                self.assert_no_strangers(self.device(f"{uuid}_{disk}"))
        self.assert_grown_or_refused(client, uuid, allocation)
        self.assertEqual(client.delete(uuid).body, {"uuid": uuid, "removed": True})
        self.assert_gone(uuid)
        self.assertEqual(self.volumes(), before)

    def assert_grown_or_refused(self, client, uuid: str, allocation: str) -> None:
        """LVM can't change the size of what is sparse. Else a bare file system grows with its volume."""
        answer = client.create(uuid, self.request(flavor={"root_gb": 1}))
        disk = self.device(f"{uuid}_disk")
        if allocation == "sparse":
            self.assert_problem(answer, 400, "invalid_request", "64 MiB", "1 GiB", "linear or thin volumes")
            self.assertEqual(self.disks_of(uuid)["disk"], 64 * MIB)
            return
        self.assertEqual(self.assert_created(answer)["disk"]["how"], "kept")
        self.assertEqual(self.disks_of(uuid)["disk"], GIB)
        disk_checks.check_file_system_fills(disk, GIB)
        if allocation == "linear":
            self.assert_no_strangers(disk)

    def test_a_root_disk_larger_than_its_image_is_grown_at_once_and_never_shrinks(self):
        self.soil(2 * GIB)
        _, client = self.node()
        uuid = new_uuid()
        disks = self.create(client, uuid, flavor={"root_gb": 1})
        self.assertEqual((disks["disk"]["size_bytes"], disks["disk"]["format"], disks["disk"]["how"]), (GIB, "raw", "built"))
        disk_checks.check_file_system_fills(self.device(f"{uuid}_disk"), GIB)
        self.assert_no_strangers(self.device(f"{uuid}_disk"))
        grown = self.create(client, uuid, flavor={"root_gb": 2})
        self.assertEqual((grown["disk"]["size_bytes"], grown["disk"]["how"]), (2 * GIB, "kept"))
        disk_checks.check_file_system_fills(self.device(f"{uuid}_disk"), 2 * GIB)
        refused = client.create(uuid, self.request(flavor={"root_gb": 1}))
        self.assert_problem(refused, 422, "disk_too_small", "1 GiB (1073741824 bytes)", "2 GiB (2147483648 bytes)")
        self.assertEqual(self.disks_of(uuid), {"disk": 2 * GIB})

    def test_a_rescue_comes_beside_the_disks_and_goes_alone_and_a_root_on_a_volume_is_not_made(self):
        _, client = self.node()
        own, elsewhere = new_uuid(), new_uuid()
        self.create(client, own, flavor={"swap": 16}, **self.boot_files)
        rescue = self.create(client, own, suffix=".rescue", image_ref=self.file_url(images.other_raw()), config_drive=True, **self.boot_files)
        self.assertEqual(list(rescue), ["kernel.rescue", "ramdisk.rescue", "disk.rescue", "disk.config.rescue"])
        self.assert_boot_files(rescue, ".rescue")
        self.assert_holds(self.device(f"{own}_disk.rescue"), images.other_raw().read_bytes())
        removed = client.request("DELETE", f"/v1/instances/{own}?suffix=.rescue").body
        self.assertEqual(removed["disks"], sorted(rescue))
        self.assertEqual(set(self.disks_of(own)), {"disk", "disk.swap"})
        self.assert_holds(self.device(f"{own}_disk"), images.raw().read_bytes())
        devices = {"root_device_name": "/dev/vda", "block_device_mapping": [{"mount_device": "/dev/vda"}]}
        made = self.assert_created(client.create(elsewhere, creation(None, flavor={"swap": 16}, block_device_info=devices)))
        self.assertEqual(list(made), ["disk.swap"])
        self.assertEqual(self.disks_of(elsewhere), {"disk.swap": 16 * MIB})


if __name__ == "__main__":
    unittest.main(verbosity=2)
