"""One directory of instances for Nova's own code and the agent: each takes the base files and the disks that the other
made, as they are and without a fetch; and Nova's imagecache, run over ours, knows what is in use.

Both have default_ephemeral_format = ext4: without it, Nova calls the base files of all ephemeral disks by the name of vfat's.
"""

import json
import unittest
from pathlib import Path

import images
from disk_checks import check_file_system_fills
from harness import DAY, GIB, cache_key, new_uuid
from image_story import ImageStory
from nova_process import Nova, require_nova

BACKENDS = ("raw", "qcow2")
EPHEMERAL_FORMAT = {"default_ephemeral_format": "ext4"}
EPHEMERAL, SWAP = "ephemeral_1_40d1d2c", "swap_16"
FLAVOR = {"root_gb": 1, "ephemeral_gb": 1, "swap": 16}
DISKS = ["kernel", "ramdisk", "disk", "disk.eph0", "disk.swap"]


def told(path: Path) -> tuple:
    """What changes when anybody writes to a file or replaces it."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def in_sectors(size: int) -> int:
    """As qemu-img tells the sizes of kernels, too."""
    return -(-size // 512) * 512


class NovaDisks(ImageStory):
    def setUp(self) -> None:
        require_nova()
        super().setUp()
        self.kernel_file, self.ramdisk_file = self.scratch / "vmlinuz", self.scratch / "initrd"
        self.kernel_file.write_bytes(images.bzimage())
        self.ramdisk_file.write_bytes(images.compressed_ramdisk())

    def start(self, **options) -> None:
        """Both sides, with the same options of [DEFAULT]."""
        self.nova = Nova(self, **{**EPHEMERAL_FORMAT, **options})
        _, self.client = self.daemon(self.config(DEFAULT={**EPHEMERAL_FORMAT, **options}))

    def refs(self, served: bool) -> dict:
        """Three images: to be fetched, or at addresses that answer with 404."""
        files = {"/image": images.qcow2(), "/kernel": self.kernel_file, "/ramdisk": self.ramdisk_file}
        urls = [self.serve(file, path) if served else self.server.url(path) for path, file in files.items()]
        return dict(zip(("image_ref", "kernel_id", "ramdisk_id"), urls, strict=True))

    def request(self, refs: dict, images_type: str) -> dict:
        """All disks of an instance, in the words that both understand."""
        return {"uuid": new_uuid(), **refs, "images_type": images_type, "flavor": FLAVOR, "os_type": "linux",
                "block_device_info": {"root_device_name": "/dev/vda", "ephemerals": [{"size": 1, "device_name": "/dev/vdb"}],
                                      "swap": {"device_name": "/dev/vdc", "swap_size": FLAVOR["swap"]}}}

    def create(self, request: dict) -> dict:
        disks = self.assert_created(self.client.create(request["uuid"], request))
        self.assertEqual(list(disks), DISKS)
        return disks

    def made_by_nova(self, request: dict, image: Path) -> None:
        prepared = {request["image_ref"]: str(image), request["kernel_id"]: str(self.kernel_file),
                    request["ramdisk_id"]: str(self.ramdisk_file)}
        self.nova.do("spawn", **request, prepared=prepared)

    def disks_of(self, request: dict) -> dict[str, object]:
        folder = self.instances_path / request["uuid"]
        return {**{name: told(folder / name) for name in DISKS}, "info": json.loads((folder / "disk.info").read_text())}

    def base_files(self) -> dict[str, tuple]:
        """Without their mtimes, which are what marks them as used."""
        return {path.name: told(path)[:2] for path in self.visible_base_files()}

    def assert_holds_the_image(self, disk: dict) -> None:
        if disk["format"] == "raw":  # its file system was grown
            check_file_system_fills(disk["path"], disk["size_bytes"])
        else:
            self.assert_same_content(images.raw(), Path(disk["path"]), "raw", disk["format"])

    def test_nova_takes_our_base_files_and_our_instances_as_they_are(self):
        self.start()
        refs = self.refs(served=True)
        for images_type in BACKENDS:
            with self.subTest(images_type):
                request = self.request(refs, images_type)
                self.create(request)
                disks, bases = self.disks_of(request), self.base_files()
                self.nova.do("spawn", **request)
                self.assertEqual(self.disks_of(request), disks)
                of_nova = self.request(refs, images_type)
                self.nova.do("spawn", **of_nova)
                self.assertEqual(self.base_files(), bases)
                kept = self.create(of_nova)
                self.assertEqual({disk["how"] for disk in kept.values()}, {"kept"})

    def test_nova_sees_each_disk_as_we_tell_it(self):
        self.assert_nova_sees_disks_as_told("none")

    def test_nova_sees_preallocated_disks_as_we_tell_it(self):
        self.assert_nova_sees_disks_as_told("space")

    def assert_nova_sees_disks_as_told(self, preallocate: str) -> None:
        self.start(preallocate_images=preallocate)
        refs = self.refs(served=True)
        for images_type in BACKENDS:
            with self.subTest(images_type):
                request = self.request(refs, images_type)
                ours = self.create(request)
                found = self.nova.do("look", **{**request, "disks": list(ours.values())})
                self.assertEqual(
                    [{"name": disk["name"], "path": disk["path"], "exists": True, "driver_io": disk["io"] or None,
                      "format": disk["format"], "driver_format": disk["format"], "size_bytes": in_sectors(disk["size_bytes"]),
                      "base_size": in_sectors(self.size_of_base(disk))} for disk in ours.values()], found)

    def size_of_base(self, disk: dict) -> int:
        return self.client.get(f"/v1/cache/{disk['base']}").body["virtual_size_bytes"]

    def test_we_take_nova_s_base_files_and_instances_as_they_are(self):
        self.start()
        for images_type in BACKENDS:
            with self.subTest(images_type):
                refs = {name: f"{ref}-{images_type}" for name, ref in self.refs(served=False).items()}
                request = self.request(refs, images_type)
                self.made_by_nova(request, images.raw())
                disks, bases = self.disks_of(request), self.base_files()
                kept = self.create(request)
                self.assertEqual({disk["how"] for disk in kept.values()}, {"kept"})
                self.assertEqual(self.disks_of(request), disks)
                new = self.create(self.request(refs, images_type))
                # Nova's raw backend formats such disks in their place, without a base file.
                hits = DISKS if images_type == "qcow2" else DISKS[:3]
                self.assertEqual({name: new[name]["how"] for name in hits}, dict.fromkeys(hits, "hit"))
                self.assertEqual({name: found for name, found in self.base_files().items() if name in bases}, bases)
                self.assert_holds_the_image(new["disk"])
                grown = self.create({**request, "flavor": {**FLAVOR, "root_gb": 2}})["disk"]
                self.assert_clean_disk(grown["path"], grown["format"], 2 * GIB)
        self.assertEqual(self.server.gets.total(), 0)

    def test_a_qcow2_that_stays_one_is_the_same_to_both(self):
        self.start(force_raw_images=False)
        image = images.converted("qcow2", "-o", "cluster_size=2M")
        for images_type in BACKENDS:
            with self.subTest(images_type):
                refs = {name: f"{ref}-{images_type}" for name, ref in self.refs(served=False).items()}
                of_nova = self.request(refs, images_type)
                self.made_by_nova(of_nova, image)
                ours = self.request(refs, images_type)
                disk, kept = self.create(ours)["disk"], self.create(of_nova)["disk"]
                self.assertEqual((disk["how"], kept["how"], kept["format"]), ("hit", "kept", "qcow2"))
                looks = [self.assert_clean_disk(path, "qcow2", GIB) for path in (disk["path"], kept["path"])]
                for word in ("cluster-size", "backing-filename", "backing-filename-format"):
                    self.assertEqual(looks[0].get(word), looks[1].get(word), word)
                self.nova.do("spawn", **ours)
                found = self.nova.do("look", **{**ours, "disks": [disk]})
                self.assertEqual([(one["format"], one["size_bytes"]) for one in found], [("qcow2", GIB)])
        self.assertEqual(self.server.gets.total(), 0)

    def test_imagecache_removes_nothing_that_is_in_use_and_what_nobody_uses_by_age(self):
        self.start()
        refs = self.refs(served=True)
        requests = [self.request(refs, images_type) for images_type in BACKENDS]
        for request in requests:
            self.create(request)
        bases = self.base_files()
        self.assertEqual(set(bases), {cache_key(ref) for ref in refs.values()} | {EPHEMERAL, SWAP})
        self.grow_old_all()
        self.nova.do("prune", instances=requests)
        self.assertEqual(self.base_files(), bases)
        self.grow_old_all()
        self.nova.do("prune", instances=requests[1:])
        self.assertEqual(self.base_files(), bases, "the other instance uses them still")
        for request in requests:
            self.assertEqual(self.client.delete(request["uuid"]).status, 200)

        _, warnings = self.nova.ask("prune", instances=[])  # it warns of all that it is about to remove
        self.assertEqual(self.base_files(), bases, "they are too young")
        self.assertEqual({line.partition(":")[0] for line in warnings}, {"Unknown base file"})
        self.grow_old_all()
        self.nova.ask("prune", instances=[])
        self.assertEqual(self.base_files(), {})
        again = self.create(requests[1])
        self.assertEqual({disk["how"] for disk in again.values()}, {"built"})
        self.assert_holds_the_image(again["disk"])
        self.assertEqual(self.base_files().keys(), bases.keys())

    def test_imagecache_knows_one_name_of_ephemeral_base_files_only(self):
        """What README says of a Nova with another default_ephemeral_format, and its way out."""
        self.start()
        request = self.request(self.refs(served=True), "qcow2")
        self.create(request)
        bases = self.base_files()
        self.grow_old_all()
        keeps = Nova(self, **{"default_ephemeral_format": None, "image_cache.remove_unused_base_images": False})
        _, warnings = keeps.ask("prune", instances=[request])
        self.assertEqual(warnings, ["ephemeral_1_0706d66 ephemeral image was used by instance but no back files existing!"])
        self.assertEqual(self.base_files(), bases)
        Nova(self, default_ephemeral_format=None).ask("prune", instances=[request])
        self.assertEqual(bases.keys() - self.base_files().keys(), {EPHEMERAL}, "Nova has learnt it: change README")

    def grow_old_all(self) -> None:
        for path in self.visible_base_files():
            self.grow_old(path, 2 * DAY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
