"""Every disk that an instance can have, on each file backend, checked by programs that aren't ours."""

import itertools
import subprocess
import unittest
from pathlib import Path

import images
from disk_checks import FORMATS, MAKERS, check_file_system_fills, check_formatted, is_installed, run, tag
from harness import GIB, MIB, new_uuid, tool
from image_story import ImageStory

BACKENDS = ("raw", "qcow2")


def volume(name: str) -> dict:
    return {"root_device_name": "/dev/vda", "block_device_mapping": [{"mount_device": name}]}


class DiskMatrix(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.image = self.file_url(images.qcow2())
        self.kernel = self.file_of("vmlinuz", images.bzimage())
        self.ramdisk = self.file_of("initrd.gz", images.compressed_ramdisk())

    def file_of(self, name: str, content: bytes) -> str:
        path = self.scratch / name
        path.write_bytes(content)
        return self.file_url(path)

    def create(self, client, **request) -> dict:
        """The disks by name. Each is there, of the format that is told, and in disk.info."""
        self.uuid = request.pop("uuid", None) or new_uuid()
        disks = self.assert_created(client.create(self.uuid, request))
        shown = {disk["name"]: disk for disk in client.get(f"/v1/instances/{self.uuid}").body["disks"]}
        for name, disk in disks.items():
            self.assertEqual(disk["path"], str(self.instances_path / self.uuid / name))
            self.assertEqual({key: shown[name][key] for key in ("format", "size_bytes")},
                             {key: disk[key] for key in ("format", "size_bytes")}, name)
        return disks

    def raw_copy(self, disk: dict) -> Path:
        copy = self.scratch / f"{disk['name']}.copy"
        tool("qemu-img", "convert", "-f", disk["format"], "-O", "raw", disk["path"], copy)
        return copy

    def assert_sound(self, disk: dict, images_type: str, size: int) -> None:
        self.assertEqual((disk["format"], disk["size_bytes"]), (images_type, size), disk)
        self.assert_clean_disk(disk["path"], images_type, size)

    def assert_root(self, disk: dict, images_type: str, size: int) -> None:
        self.assert_sound(disk, images_type, size)
        if images_type == "qcow2":
            self.assert_same_content(images.raw(), disk["path"], "raw", images_type)
        else:  # its file system was grown
            run("e2fsck", "-fn", disk["path"])

    def assert_formatted(self, disk: dict, images_type: str, size: int, file_system: str, label: str) -> None:
        self.assert_sound(disk, images_type, size)
        copy = self.raw_copy(disk)
        check_formatted(copy, file_system, label)
        copy.unlink()

    def assert_boot_files(self, disks: dict, suffix: str = "") -> None:
        for name, ref, content in (("kernel", self.kernel, images.bzimage()),
                                   ("ramdisk", self.ramdisk, images.compressed_ramdisk())):
            disk = disks[name + suffix]
            self.assertEqual((disk["format"], disk["size_bytes"]), ("raw", len(content)))
            self.assertEqual(Path(disk["path"]).read_bytes(), content)
            self.assertEqual(disk["base"], self.base_file(ref).name)
            self.assertEqual(self.base_file(ref).read_bytes(), content, "a base file of a kernel is as it came")

    def assert_config_drive(self, disk: dict) -> None:
        self.assertEqual(disk["format"], "iso9660")
        self.assertEqual((tag("TYPE", Path(disk["path"])), tag("LABEL", Path(disk["path"]))),
                         ("iso9660", "config-2"))

    def test_each_kind_of_disk_on_each_backend(self):
        _, client = self.daemon()
        for images_type in BACKENDS:
            with self.subTest(images_type):
                disks = self.create(client, image_ref=self.image, kernel_id=self.kernel, ramdisk_id=self.ramdisk,
                                    flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16}, os_type="linux",
                                    images_type=images_type, config_drive=True)
                self.assertEqual(list(disks), ["kernel", "ramdisk", "disk", "disk.local", "disk.swap", "disk.config"])
                self.assert_boot_files(disks)
                self.assert_root(disks["disk"], images_type, GIB)
                self.assert_formatted(disks["disk.local"], images_type, GIB, "ext4", "ephemeral0")
                self.assert_sound(disks["disk.swap"], images_type, 16 * MIB)
                check_formatted(self.raw_copy(disks["disk.swap"]), "swap")
                self.assert_config_drive(disks["disk.config"])

    def test_none_to_three_ephemerals_each_with_its_format_and_label(self):
        formats = [name for name in FORMATS if is_installed(MAKERS[name])]
        self.assertGreaterEqual(len(formats), 5)
        _, client = self.daemon()
        groups = [formats[at:at + 3] for at in range(0, len(formats), 3)]
        for images_type, group in itertools.product(BACKENDS, [[], formats[:1], formats[1:3], *groups]):
            with self.subTest(images_type, formats=group):
                disks = self.create(client, image_ref=self.image, images_type=images_type, block_device_info={
                    "ephemerals": [{"size": 1, "guest_format": name} for name in group]})
                self.assertEqual(list(disks), ["disk", *(f"disk.eph{number}" for number in range(len(group)))])
                for number, name in enumerate(group):
                    self.assert_formatted(disks[f"disk.eph{number}"], images_type, GIB, name, f"ephemeral{number}")
                tool("rm", "-rf", self.instances_path / self.uuid)
        self.assert_closed_set_of_ephemeral_bases()

    def assert_closed_set_of_ephemeral_bases(self) -> None:
        for path in self.visible_base_files():
            if path.name.startswith("ephemeral"):
                self.assertRegex(path.name, r"\Aephemeral_1_[0-9a-f]{7}\Z")

    def test_a_base_file_is_shared_by_disks_of_one_label_only(self):
        _, client = self.daemon()
        three = {"block_device_info": {"ephemerals": [{"size": 1, "guest_format": "ext4"}] * 3}}
        first = self.create(client, image_ref=self.image, **three)
        second = self.create(client, image_ref=self.image, **three)
        self.assertEqual(first["disk.eph0"]["base"], "ephemeral_1_40d1d2c", "the first is Nova's own")
        bases = [first[f"disk.eph{number}"]["base"] for number in range(3)]
        self.assertEqual(len(set(bases)), 3)
        self.assertEqual([second[f"disk.eph{number}"]["base"] for number in range(3)], bases)
        self.assertEqual({second[f"disk.eph{number}"]["how"] for number in range(3)}, {"hit"})

    def test_the_operator_s_command_formats_ephemeral_disks(self):
        commands = ("linux=mkfs.ext4 -q -F -m 0 -U 6a6f7567-1111-4222-8333-444455556666 -L %(fs_label)s %(target)s\n"
                    "  default=mkfs.vfat -n FIXED %(target)s")
        _, client = self.daemon(self.config(DEFAULT={"virt_mkfs": commands}))
        devices = {"ephemerals": [{"size": 1, "guest_format": "xfs"}, {"size": 1}]}
        for images_type in BACKENDS:
            with self.subTest(images_type):
                disks = self.create(client, image_ref=self.image, os_type="linux", images_type=images_type,
                                    block_device_info=devices)
                for number in range(2):
                    disk = disks[f"disk.eph{number}"]
                    self.assert_formatted(disk, images_type, GIB, "ext4", f"ephemeral{number}")
                    self.assertEqual(tag("UUID", self.raw_copy(disk)), "6a6f7567-1111-4222-8333-444455556666")
                other = self.create(client, image_ref=self.image, images_type=images_type, block_device_info=devices)
                self.assertEqual(other["disk.eph0"]["base"], other["disk.eph1"]["base"], "its label is always the same")
                self.assert_formatted(other["disk.eph1"], images_type, GIB, "vfat", "FIXED")

    def test_a_command_that_fails_is_told_and_leaves_nothing(self):
        _, client = self.daemon(self.config(DEFAULT={"virt_mkfs": "default=ls %(target)s/nothing"}))
        uuid = new_uuid()
        answer = client.create(uuid, {"image_ref": self.image, "flavor": {"ephemeral_gb": 1}})
        self.assert_problem(answer, 500, "tool_failed", "ls exited with 2")
        self.assertFalse((self.instances_path / uuid).exists())
        self.assert_nothing_staged()

    def test_a_missing_mkfs_is_named_with_its_package(self):
        _, client = self.daemon(path=str(self.scratch))
        devices = {"ephemerals": [{"size": 1, "guest_format": "ntfs"}]}
        answer = client.create(new_uuid(), {"image_ref": self.file_url(images.raw()), "block_device_info": devices})
        self.assert_problem(answer, 500, "tool_failed", "mkfs.ntfs", "ntfs-3g")

    def test_root_on_a_volume(self):
        _, client = self.daemon()
        for images_type in BACKENDS:
            with self.subTest(images_type):
                disks = self.create(client, flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16}, os_type="linux",
                                    images_type=images_type, config_drive=True, block_device_info=volume("/dev/vda"))
                self.assertEqual(list(disks), ["disk.local", "disk.swap", "disk.config"])
                self.assert_formatted(disks["disk.local"], images_type, GIB, "ext4", "ephemeral0")
                self.assert_config_drive(disks["disk.config"])

    def test_a_device_that_a_volume_has_taken_gets_no_disk(self):
        _, client = self.daemon()
        flavor = {"root_gb": 1, "ephemeral_gb": 1, "swap": 16}
        for name, made in (("/dev/vdb", ["disk"]), ("/dev/vdc", ["disk", "disk.local"]),
                           ("/dev/vdd", ["disk", "disk.local", "disk.swap"])):
            with self.subTest(name):
                disks = self.create(client, image_ref=self.image, flavor=flavor, block_device_info=volume(name))
                self.assertEqual(list(disks), made)

    def test_a_rescue_comes_beside_the_disks_and_goes_alone(self):
        _, client = self.daemon()
        for images_type in BACKENDS:
            with self.subTest(images_type):
                own = self.create(client, image_ref=self.image, flavor={"root_gb": 1, "swap": 16}, kernel_id=self.kernel,
                                  images_type=images_type)
                tool("qemu-io", "-f", images_type, "-c", "write -P 0x5a 900M 64k", own["disk"]["path"])
                before = self.files()
                rescue = self.create(client, uuid=self.uuid, suffix=".rescue", image_ref=self.file_url(images.other_raw()),
                                     flavor={"root_gb": 1, "swap": 16}, kernel_id=self.kernel, ramdisk_id=self.ramdisk,
                                     images_type=images_type, config_drive=True)
                self.assertEqual(list(rescue), ["kernel.rescue", "ramdisk.rescue", "disk.rescue", "disk.config.rescue"])
                self.assert_boot_files(rescue, ".rescue")
                self.assert_sound(rescue["disk.rescue"], images_type, images.other_raw().stat().st_size)
                self.assert_same_content(images.other_raw(), rescue["disk.rescue"]["path"], "raw", images_type)
                self.assert_config_drive(rescue["disk.config.rescue"])
                removed = client.request("DELETE", f"/v1/instances/{self.uuid}?suffix=.rescue").body
                self.assertEqual(removed["disks"], sorted(rescue))
                self.assertEqual(self.files(), before, "what isn't the rescue's stays as it was")

    def files(self) -> dict[str, object]:
        """What the instance's directory holds: of each disk what tells that nobody has written to it or replaced it."""
        def told(path: Path) -> object:
            found = path.stat()
            return path.read_text() if path.name == "disk.info" else (found.st_ino, found.st_size, found.st_mtime_ns)
        return {path.name: told(path) for path in sorted((self.instances_path / self.uuid).iterdir())}

    def test_the_command_line_makes_boot_files_and_removes_a_rescue(self):
        self.daemon()
        uuid, link = new_uuid(), ("--json", "--socket", self.scratch / "agent.sock")
        named = ("--image", self.image, "--kernel", self.kernel, "--ramdisk", self.ramdisk)
        made = self.cli(*link, "create", "--instance", uuid, *named).json
        self.assert_boot_files({disk["name"]: disk for disk in made["disks"]})
        self.cli(*link, "create", "--instance", uuid, *named, "--suffix", ".rescue")
        empty = self.cli(*link, "delete", uuid, "--suffix", "")
        self.assertEqual(empty.code, 2, empty)
        self.assertEqual(self.cli(*link, "delete", uuid, "--suffix", ".rescue").json["disks"],
                         ["disk.rescue", "kernel.rescue", "ramdisk.rescue"])
        again = self.cli(*link, "delete", uuid, "--suffix", ".rescue")
        self.assertEqual(again.code, 4, again)
        shown = self.cli(*link, "show", uuid).json["disks"]
        self.assertEqual([(disk["name"], disk["format"]) for disk in shown],
                         [("disk", "qcow2"), ("kernel", "raw"), ("ramdisk", "raw")])

    def test_a_disk_image_is_no_kernel_in_either_order(self):
        _, client = self.daemon()
        uuid = new_uuid()
        refused = client.create(uuid, {"image_ref": self.image, "kernel_id": self.image})
        self.assert_problem(refused, 422, "image_unacceptable", "a qcow2 image", "as it comes")
        self.create(client, image_ref=self.image)
        refused = client.create(uuid, {"image_ref": self.image, "kernel_id": self.image})
        self.assert_problem(refused, 422, "image_unacceptable", "is a disk image")
        self.assertFalse((self.instances_path / uuid).exists())

    def test_a_compressed_ramdisk_is_no_disk_in_either_order(self):
        _, client = self.daemon()
        refused = client.create(new_uuid(), {"image_ref": self.ramdisk})
        self.assert_problem(refused, 422, "image_unacceptable", "gzip")
        self.assert_boot_files(self.create(client, image_ref=self.image, kernel_id=self.kernel, ramdisk_id=self.ramdisk))
        refused = client.create(new_uuid(), {"image_ref": self.ramdisk})
        self.assert_problem(refused, 422, "image_unacceptable", "refused as a disk")

    def test_kernels_and_ramdisks_can_be_precached_as_what_they_are(self):
        self.daemon()
        precache = ("--json", "--socket", self.scratch / "agent.sock", "cache", "precache")
        refused = self.cli(*precache, self.ramdisk)
        self.assertEqual(refused.code, 3, refused)
        refused = self.cli(*precache, "--boot-file", self.image)
        self.assertEqual(refused.code, 3, refused)
        made = self.cli(*precache, "--boot-file", self.kernel, self.ramdisk)
        self.assertEqual([image["how"] for image in made.json["images"]], ["built", "built"])
        declared = self.cli("--json", "image", "import", self.scratch / "initrd.gz", "--disk-format", "ari").json["id"]
        self.assertEqual(self.cli(*precache, declared).code, 0, "the registry says what it is")
        named = ("--image", self.image, "--kernel", self.kernel, "--ramdisk", self.ramdisk)
        disks = self.cli("--json", "--socket", self.scratch / "agent.sock", "create", "--instance", new_uuid(), *named)
        disks = {disk["name"]: disk for disk in disks.json["disks"]}
        self.assert_boot_files(disks)
        self.assertEqual((disks["kernel"]["how"], disks["ramdisk"]["how"]), ("hit", "hit"))

    def test_one_raw_image_may_be_both(self):
        _, client = self.daemon()
        disks = self.create(client, image_ref=self.kernel, kernel_id=self.kernel, images_type="raw")
        for name in ("disk", "kernel"):
            self.assertEqual(Path(disks[name]["path"]).read_bytes(), images.bzimage())

    def test_each_usual_compression_of_a_ramdisk_is_taken(self):
        _, client = self.daemon()
        archive = images.ramdisk()
        for command in (["gzip", "-n"], ["bzip2"], ["xz", "--check=crc32"], ["lzma"], ["zstd", "-q"], ["lz4", "-l"], ["lzop"]):
            if not is_installed(command[0]):
                continue
            with self.subTest(command[0]):
                content = subprocess.run([*command, "-c"], input=archive, capture_output=True, check=True).stdout
                ref = self.file_of(f"initrd.{command[0]}", content)
                disks = self.create(client, image_ref=self.image, kernel_id=self.kernel, ramdisk_id=ref)
                self.assertEqual(Path(disks["ramdisk"]["path"]).read_bytes(), content)
        for name, content in (("plain", archive), ("microcode", archive + images.compressed_ramdisk())):
            disks = self.create(client, image_ref=self.image, kernel_id=self.kernel, ramdisk_id=self.file_of(name, content))
            self.assertEqual(Path(disks["ramdisk"]["path"]).read_bytes(), content)

    def test_the_kernels_of_this_machine_are_taken(self):
        found = [path for pattern in ("vmlinuz-*", "initrd.img-*") for path in Path("/boot").glob(pattern)]
        if not found:
            self.skipTest("/boot holds none")
        _, client = self.daemon()
        for path in found:
            with self.subTest(path.name):
                ref = self.file_of(path.name, path.read_bytes())
                disks = self.create(client, image_ref=self.image, kernel_id=self.kernel, ramdisk_id=ref)
                self.assertEqual(Path(disks["ramdisk"]["path"]).read_bytes(), path.read_bytes())

    def test_a_second_creation_grows_each_disk_and_refuses_to_shrink_it(self):
        _, client = self.daemon()
        for images_type in BACKENDS:
            with self.subTest(images_type):
                def sized(root: int, ephemeral: int, swap: int) -> dict:
                    return {"image_ref": self.image, "kernel_id": self.kernel, "os_type": "linux", "images_type": images_type,
                            "flavor": {"root_gb": root, "ephemeral_gb": ephemeral, "swap": swap}}
                self.create(client, **sized(1, 1, 16))
                grown = self.create(client, uuid=self.uuid, **sized(2, 2, 32))
                self.assertEqual({disk["how"] for disk in grown.values()}, {"kept"})
                for name, size in (("disk", 2 * GIB), ("disk.local", 2 * GIB), ("disk.swap", 32 * MIB)):
                    self.assert_sound(grown[name], images_type, size)
                if images_type == "raw":
                    for name in ("disk", "disk.local"):
                        check_file_system_fills(grown[name]["path"], 2 * GIB)
                before = self.files()
                for request, sizes in ((sized(1, 2, 32), ("1 GiB (1073741824 bytes)", "2 GiB (2147483648 bytes)")),
                                       (sized(2, 1, 32), ("1 GiB", "2 GiB")), (sized(2, 2, 16), ("16 MiB", "32 MiB"))):
                    self.assert_problem(client.create(self.uuid, request), 422, "disk_too_small", *sizes)
                self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
