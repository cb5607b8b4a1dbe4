"""Images of every format that is taken, and the options that decide what their disks become. Images are made by qemu-img
and xorriso, disks are compared by qemu-img."""

import json
import unittest
from pathlib import Path

import images
from disk_checks import tag
from harness import GIB, creation, new_uuid, tool
from image_story import ImageStory

BACKENDS = ("raw", "qcow2")
# How the registry calls it, and what qemu-img makes it with.
FORMATS = [
    ("vmdk", "vmdk", "subformat=monolithicSparse"),
    ("vmdk", "vmdk", "subformat=streamOptimized"),
    ("vhd", "vpc", "subformat=dynamic"),
    ("vhd", "vpc", "subformat=dynamic,force_size=on"),
    ("vhd", "vpc", "subformat=fixed,force_size=on"),
    ("vhdx", "vhdx", "subformat=dynamic"),
    ("vhdx", "vhdx", "subformat=fixed"),
    ("vdi", "vdi", "static=off"),
    ("vdi", "vdi", "static=on"),
    ("qcow2", "qcow2", "compat=0.10"),
    ("qcow2", "qcow2", "compat=1.1,extended_l2=on"),
]
CLUSTER_SIZES = (4096, 65536, 2 << 20)
# A data disc; one that also has a partition table, as those do that boot from a stick.
DISCS = {"plain": (), "hybrid": ("-partition_offset", "16", "-append_partition", "2", "0x83", "EXTRA")}


class Formats(ImageStory):
    def import_image(self, image: Path, disk_format: str) -> str:
        done = self.cli("--json", "image", "import", image, "--disk-format", disk_format)
        self.assertEqual(done.code, 0, done)
        return done.json["id"]

    def disc(self, kind: str) -> Path:
        tree, extra, path = (self.scratch / name for name in ("tree", "extra", f"{kind}.iso"))
        tree.mkdir(exist_ok=True)
        (tree / "readme").write_text("a disc\n" * 1000)
        extra.write_bytes(images.other_raw().read_bytes()[:1 << 20])
        options = [str(extra) if word == "EXTRA" else word for word in DISCS[kind]]
        tool("xorriso", "-as", "mkisofs", "-quiet", "-J", "-R", *options, "-V", "disc", "-o", path, tree)
        return path

    def create(self, client, **request) -> dict:
        """Its root disk, which is in disk.info as what it is."""
        uuid = request.pop("uuid", None) or new_uuid()
        disk = self.assert_created(client.create(uuid, request))["disk"]
        told = json.loads((self.instances_path / uuid / "disk.info").read_text())
        self.assertEqual(told[disk["path"]], disk["format"])
        shown = client.get(f"/v1/instances/{uuid}").body["disks"][0]
        self.assertEqual({**shown, "base": disk["base"], "how": disk["how"]}, disk)
        return disk

    def assert_nobody_s_disk_is_unreadable(self, client) -> None:
        report = client.prune(dry_run=True)
        self.assertEqual(report["unreadable"], [], report)

    def test_images_of_every_format_become_the_same_disks_on_each_backend(self):
        _, client = self.daemon()
        for declared, made_as, options in FORMATS:
            with self.subTest(options, declared=declared):
                image = images.converted(made_as, "-o", options)
                ref = self.import_image(image, declared)
                for images_type, how in zip(BACKENDS, ("built", "hit")):
                    disk = self.create(client, image_ref=ref, images_type=images_type)
                    self.assertEqual((disk["how"], disk["format"]), (how, images_type))
                    self.assert_same_content(images.raw(), Path(disk["path"]), "raw", images_type)
                    self.assert_same_content(image, Path(disk["path"]), made_as, images_type)
                self.assert_published(ref)
                shown = client.get(f"/v1/cache/{self.base_file(ref).name}").body
                self.assertEqual((shown["format"], shown["source_format"]), ("raw", made_as))
        self.assert_nothing_staged()

    def test_a_disc_becomes_a_raw_disk_of_its_bytes(self):
        _, client = self.daemon()
        for kind in DISCS:
            with self.subTest(kind):
                disc = self.disc(kind)
                ref = self.import_image(disc, "iso")
                for images_type in BACKENDS:
                    disk = self.create(client, image_ref=ref, images_type=images_type)
                    self.assertEqual(disk["size_bytes"], disc.stat().st_size)
                    self.assert_same_content(disc, Path(disk["path"]), "raw", images_type)
                self.assertEqual(self.base_file(ref).read_bytes(), disc.read_bytes())
                grown = self.create(client, image_ref=ref, flavor={"root_gb": 1}, images_type="raw")
                self.assert_clean_disk(grown["path"], "raw", GIB)
                self.assertEqual(tag("LABEL", grown["path"]), "disc")

    def test_a_disc_must_be_declared_as_one_and_nothing_else_may_be(self):
        _, client = self.daemon()
        disc = self.disc("hybrid")
        for image, declared, found in ((disc, "raw", "iso"), (disc, "qcow2", "iso"), (images.qcow2(), "iso", "qcow2"),
                                       (images.raw(), "iso", "raw")):
            with self.subTest(f"{found} as {declared}"):
                ref = new_uuid()
                # What is imported is looked at, so it is declared wrongly afterwards.
                done = self.cli("--json", "image", "import", image, "--id", ref)
                self.assertEqual(done.code, 0, done)
                self.redeclare(ref, declared)
                answer = client.create(new_uuid(), creation(ref))
                self.assert_problem(answer, 422, "image_unacceptable", f"'{declared}'", f"is {found}")
        self.assertEqual(self.visible_base_files(), [])

    def redeclare(self, ref: str, disk_format: str) -> None:
        record = next((self.scratch / "registry").glob(f"**/{ref}*json"))
        told = json.loads(record.read_text())
        record.write_text(json.dumps({**told, "disk_format": disk_format}))

    def test_a_qcow2_that_stays_one_hands_its_cluster_size_on(self):
        _, client = self.daemon(self.config(DEFAULT={"force_raw_images": "false"}))
        for size in CLUSTER_SIZES:
            with self.subTest(cluster_size=size):
                image = images.converted("qcow2", "-o", f"cluster_size={size}")
                ref = self.import_image(image, "qcow2")
                disk = self.create(client, image_ref=ref, flavor={"root_gb": 1}, images_type="qcow2")
                self.assertEqual(self.base_file(ref).read_bytes(), image.read_bytes())
                told = self.assert_clean_disk(disk["path"], "qcow2", GIB)
                self.assertEqual((told["cluster-size"], told["backing-filename-format"]), (size, "qcow2"))
                self.assertEqual(told["full-backing-filename"], str(self.base_file(ref)))
                self.assert_same_content(images.raw(), disk["path"], "raw", "qcow2")

    def test_the_raw_backend_copies_a_qcow2_that_stays_one(self):
        _, client = self.daemon(self.config(DEFAULT={"force_raw_images": "false"}))
        for size in CLUSTER_SIZES:
            with self.subTest(cluster_size=size):
                image, uuid = images.converted("qcow2", "-o", f"cluster_size={size}"), new_uuid()
                ref = self.import_image(image, "qcow2")
                for root_gb, how in ((0, "built"), (1, "kept"), (2, "kept")):
                    disk = self.create(client, uuid=uuid, image_ref=ref, flavor={"root_gb": root_gb}, images_type="raw")
                    self.assertEqual((disk["format"], disk["how"]), ("qcow2", how))
                    told = self.assert_clean_disk(disk["path"], "qcow2", root_gb * GIB or images.SIZE)
                    self.assertEqual(told["cluster-size"], size)
                    self.assertNotIn("backing-filename", told)
                    self.assert_same_content(images.raw(), disk["path"], "raw", "qcow2")
                made_larger = self.create(client, image_ref=ref, flavor={"root_gb": 1}, images_type="raw")
                self.assert_clean_disk(made_larger["path"], "qcow2", GIB)
                shrunk = client.create(uuid, creation(ref, 1, images_type="raw"))
                self.assert_problem(shrunk, 422, "disk_too_small", "1 GiB", "2 GiB")
        self.assert_nobody_s_disk_is_unreadable(client)

    def test_an_image_that_stays_what_no_backend_writes_to_is_under_an_overlay_or_becomes_raw(self):
        _, client = self.daemon(self.config(DEFAULT={"force_raw_images": "false"}))
        for declared, made_as, options in FORMATS:
            if made_as == "qcow2":
                continue
            with self.subTest(options, declared=declared):
                image = images.converted(made_as, "-o", options)
                ref = self.import_image(image, declared)
                overlay = self.create(client, image_ref=ref, flavor={"root_gb": 1}, images_type="qcow2")
                told = self.assert_clean_disk(overlay["path"], "qcow2", GIB)
                self.assertEqual(told["backing-filename-format"], made_as)
                self.assertEqual(self.base_file(ref).read_bytes(), image.read_bytes())
                copy = self.create(client, image_ref=ref, flavor={"root_gb": 1}, images_type="raw")
                self.assertEqual(copy["format"], "raw")
                tool("e2fsck", "-fn", copy["path"])
                for disk in (overlay, self.create(client, image_ref=ref, images_type="raw")):
                    self.assert_same_content(images.raw(), disk["path"], "raw", disk["format"])
        self.assert_nobody_s_disk_is_unreadable(client)

    def test_the_default_images_type_is_what_use_cow_images_says(self):
        for use_cow, images_type, made in (("true", "default", "qcow2"), ("false", "default", "raw"),
                                           ("false", "qcow2", "qcow2"), ("true", "raw", "raw"), ("true", "flat", "raw")):
            with self.subTest(use_cow_images=use_cow, images_type=images_type):
                running, client = self.daemon(self.config(DEFAULT={"use_cow_images": use_cow},
                                                          libvirt={"images_type": images_type}))
                ref = self.file_url(images.qcow2())
                disk = self.create(client, image_ref=ref)
                self.assertEqual(disk["format"], made)
                self.assert_same_content(images.raw(), disk["path"], "raw", made)
                running.stop()

    def test_preallocated_disks_have_their_space_and_are_read_natively(self):
        ref = self.file_url(images.qcow2())
        request = {"image_ref": ref, "flavor": {"root_gb": 1, "ephemeral_gb": 1, "swap": 16}, "os_type": "linux",
                   "config_drive": True}
        for preallocate, native in (("space", "native"), ("none", "")):
            running, client = self.daemon(self.config(DEFAULT={"preallocate_images": preallocate}))
            for images_type in BACKENDS:
                with self.subTest(images_type, preallocate_images=preallocate):
                    uuid = new_uuid()
                    disks = self.assert_created(client.create(uuid, {**request, "images_type": images_type}))
                    self.assert_io(disks, native)
                    for name in ("disk", "disk.local", "disk.swap"):
                        self.assert_allocated(disks[name], native)
                    grown = self.assert_created(client.create(uuid, {
                        **request, "flavor": {**request["flavor"], "root_gb": 2}, "images_type": images_type}))
                    self.assert_io(grown, native)
                    self.assert_allocated(grown["disk"], native)
                    told = self.cli("--json", "--socket", self.scratch / "agent.sock", "show", uuid).json["disks"]
                    self.assert_io({disk["name"]: disk for disk in told}, native)
                    client.delete(uuid)
            running.stop()

    def assert_io(self, disks: dict, native: str) -> None:
        self.assertEqual({name: disk["io"] for name, disk in disks.items()},
                         {"disk": native, "disk.local": native, "disk.swap": native, "disk.config": ""})

    def assert_allocated(self, disk: dict, native: str) -> None:
        told = self.assert_clean_disk(disk["path"], disk["format"], disk["size_bytes"])
        (self.assertGreaterEqual if native else self.assertLess)(told["actual-size"], disk["size_bytes"], disk["name"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
