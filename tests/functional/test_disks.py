"""One instance, end to end: every disk is checked by a program that isn't ours."""

import json
import subprocess
import unittest
from pathlib import Path

import images
from harness import GIB, MIB, creation, new_uuid, tool
from image_story import ImageStory

ALL_DISKS = {"flavor": {"root_gb": 1, "ephemeral_gb": 1, "swap": 64}, "os_type": "linux", "config_drive": True,
             "name": "web-1"}


class Disks(ImageStory):
    def create(self, request: dict, **config: dict) -> dict:
        """Creates an instance with a daemon of its own; its disks by name."""
        _, client = self.daemon(self.config(**config))
        self.uuid = new_uuid()
        return self.assert_created(client.create(self.uuid, request))

    def raw_copy(self, disk: dict):
        copy = self.scratch / f"{disk['name']}.raw"
        tool("qemu-img", "convert", "-f", disk["format"], "-O", "raw", disk["path"], copy)
        return copy

    def test_all_disks_of_a_first_instance_are_sound(self):
        url = self.serve(images.qcow2())
        disks = self.create({"image_ref": url, **ALL_DISKS})
        self.assertEqual(list(disks), ["disk", "disk.local", "disk.swap", "disk.config"])
        folder = self.instances_path / self.uuid
        for name, disk in disks.items():
            self.assertEqual(disk["path"], str(folder / name))

        told = self.assert_clean_disk(folder / "disk", "qcow2", GIB)
        self.assertEqual(told["full-backing-filename"], str(self.assert_published(url)))
        self.assertEqual(told["backing-filename-format"], "raw")
        self.assert_same_content(images.raw(), folder / "disk", "raw", "qcow2")

        self.assert_clean_disk(folder / "disk.local", "qcow2", GIB)
        tool("e2fsck", "-fn", self.raw_copy(disks["disk.local"]))
        self.assert_clean_disk(folder / "disk.swap", "qcow2", 64 * MIB)
        self.assertEqual(tool("blkid", "-p", "-s", "TYPE", "-o", "value", self.raw_copy(disks["disk.swap"])).strip(), "swap")
        self.assert_nothing_staged()

    def test_base_files_have_the_names_nova_gives_them(self):
        url = self.serve(images.qcow2())
        self.create({"image_ref": url, **ALL_DISKS})
        self.assertEqual([path.name for path in self.visible_base_files()],
                         sorted([self.base_file(url).name, "ephemeral_1_40d1d2c", "swap_64"]))
        told = json.loads((self.instances_path / self.uuid / "disk.info").read_text())
        self.assertEqual(told[str(self.instances_path / self.uuid / "disk")], "qcow2")

    def test_every_format_becomes_the_same_raw_base_file(self):
        _, client = self.daemon()
        for name, image in (("raw", images.raw()), ("qcow2", images.qcow2()), ("zlib", images.qcow2_zlib()),
                            ("vmdk", images.vmdk())):
            with self.subTest(name):
                url = self.serve(image, f"/{name}")
                self.assert_created(client.create(new_uuid(), creation(url)))
                base = self.assert_published(url)
                self.assertLess(base.stat().st_blocks * 512, images.SIZE // 2, "the base file isn't sparse")

    def test_a_second_instance_fetches_nothing(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        first = self.assert_created(client.create(new_uuid(), creation(url)))
        second = self.assert_created(client.create(new_uuid(), creation(url)))
        self.assertEqual((first["disk"]["how"], second["disk"]["how"]), ("built", "hit"))
        self.assertEqual(self.server.gets["/image"], 1)

    def test_an_existing_disk_is_kept_and_grown_never_made_again(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        for images_type in ("qcow2", "raw"):
            with self.subTest(images_type):
                uuid, disk_format = new_uuid(), images_type
                request = creation(url, 1, images_type=images_type)
                disk = self.assert_created(client.create(uuid, request))["disk"]
                tool("qemu-io", "-f", disk_format, "-c", "write -P 0x5a 900M 64k", disk["path"])
                again = self.assert_created(client.create(uuid, request))["disk"]
                self.assertEqual((again["how"], again["size_bytes"]), ("kept", GIB))
                grown = self.assert_created(client.create(uuid, creation(url, 2, images_type=images_type)))["disk"]
                self.assertEqual((grown["how"], grown["size_bytes"]), ("kept", 2 * GIB))
                self.assert_clean_disk(grown["path"], disk_format, 2 * GIB)
                tool("qemu-io", "-f", disk_format, "-c", "read -P 0x5a 900M 64k", disk["path"])

    def test_a_disk_that_is_a_symbolic_link_is_not_followed(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        uuid = new_uuid()
        disk = Path(self.assert_created(client.create(uuid, creation(url, images_type="raw")))["disk"]["path"])
        elsewhere = disk.rename(self.scratch / "elsewhere")
        disk.symlink_to(elsewhere)
        self.assert_problem(client.create(uuid, creation(url, 1)), 409, "already_exists", str(disk), "regular file")
        self.assertEqual(elsewhere.stat().st_size, images.SIZE)
        self.assertEqual(client.delete(uuid).status, 200)
        self.assertTrue(elsewhere.exists())

    def test_a_disk_larger_than_the_file_system_can_hold_is_said_so(self):
        _, client = self.daemon()
        request = creation(self.serve(images.qcow2()), 500_000, images_type="raw")
        answer = client.create(new_uuid(), request)
        if answer.status != 200:  # ext4 holds files of 16 TiB, others of more
            self.assert_problem(answer, 500, "storage_unusable", "File too large")
            self.assertEqual(list(self.instances_path.glob("*-*")), [])

    def test_a_disk_is_never_shrunk(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        uuid = new_uuid()
        disk = self.assert_created(client.create(uuid, creation(url, 2)))["disk"]
        answer = client.create(uuid, creation(url, 1))
        if answer.status == 200:
            self.assertEqual(self.assert_created(answer)["disk"]["size_bytes"], 2 * GIB)
        else:
            self.assert_problem(answer, 422, "disk_too_small")
        self.assert_clean_disk(disk["path"], "qcow2", 2 * GIB)

    def test_a_raw_root_disk_is_a_grown_copy_with_a_grown_file_system(self):
        url = self.serve(images.qcow2())
        disk = self.create(creation(url, 1, images_type="raw"))["disk"]
        self.assertEqual(disk["format"], "raw")
        told = self.assert_clean_disk(disk["path"], "raw", GIB)
        self.assertNotIn("backing-filename", told)
        self.assertLess(told["actual-size"], images.SIZE, "the copy isn't sparse")
        tool("e2fsck", "-fn", disk["path"])
        header = subprocess.run(["dumpe2fs", "-h", disk["path"]], text=True, capture_output=True).stdout
        blocks = int(next(line for line in header.splitlines() if line.startswith("Block count:")).split()[-1])
        size = int(next(line for line in header.splitlines() if line.startswith("Block size:")).split()[-1])
        self.assertGreater(blocks * size, GIB * 9 // 10, "the file system wasn't grown")

    def test_root_gb_0_means_the_image_s_own_size(self):
        url = self.serve(images.qcow2())
        disk = self.create(creation(url, 0))["disk"]
        self.assertEqual(disk["size_bytes"], images.SIZE)

    def test_preallocated_disks_have_their_space(self):
        url = self.serve(images.qcow2())
        disk = self.create(creation(url, 1, images_type="raw"), DEFAULT={"preallocate_images": "space"})["disk"]
        told = self.assert_clean_disk(disk["path"], "raw", GIB)
        self.assertGreaterEqual(told["actual-size"], GIB)

    def test_images_can_stay_as_they_came(self):
        url = self.serve(images.qcow2())
        disk = self.create(creation(url, 1), DEFAULT={"force_raw_images": "false"})["disk"]
        told = self.assert_clean_disk(disk["path"], "qcow2", GIB)
        self.assertEqual(told["backing-filename-format"], "qcow2")
        self.assertEqual(self.base_file(url).read_bytes(), images.qcow2().read_bytes())

    def test_further_ephemeral_disks_of_the_block_devices_are_made(self):
        url = self.serve(images.qcow2())
        disks = self.create(creation(url, 1, block_device_info={
            "root_device_name": "/dev/vda",
            "ephemerals": [{"size": 1, "device_name": "/dev/vdb", "guest_format": "ext4"},
                           {"size": 1, "device_name": "/dev/vdc", "guest_format": "vfat"}],
            "swap": {"device_name": "/dev/vdd", "swap_size": 32}}))
        self.assertEqual(list(disks), ["disk", "disk.eph0", "disk.eph1", "disk.swap"])
        tool("e2fsck", "-fn", self.raw_copy(disks["disk.eph0"]))
        tool("fsck.vfat", "-n", self.raw_copy(disks["disk.eph1"]))
        self.assertEqual(disks["disk.swap"]["size_bytes"], 32 * MIB)

    def test_an_image_of_a_file_url_is_taken_from_the_listed_directory_only(self):
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), creation(self.file_url(images.qcow2()))))
        outside = self.scratch / "elsewhere.qcow2"
        outside.write_bytes(images.qcow2().read_bytes())
        (self.scratch / "files" / "link.qcow2").symlink_to(outside)
        before = self.tree()
        for ref in (f"file://{outside}", f"file://{self.scratch}/files/link.qcow2"):
            answer = client.create(new_uuid(), creation(ref))
            self.assertGreaterEqual(answer.status, 400, answer.body)
            self.assertIn("elsewhere" if "elsewhere" in ref else "link", answer.body["detail"])
        self.assertEqual(self.tree(), before)

    def test_what_was_created_can_be_shown_and_deleted(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        uuid = new_uuid()
        made = self.assert_created(client.create(uuid, {"image_ref": url, **ALL_DISKS}))
        shown = client.get(f"/v1/instances/{uuid}").body
        self.assertEqual({disk["name"] for disk in shown["disks"]}, set(made))
        self.assertEqual(client.delete(uuid).body, {"uuid": uuid, "removed": True})
        self.assertFalse((self.instances_path / uuid).exists())
        self.assertEqual(client.get(f"/v1/instances/{uuid}").status, 404)
        self.assert_published(url)


if __name__ == "__main__":
    unittest.main(verbosity=2)
