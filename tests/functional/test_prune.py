"""Pruning: what is used stays, at any depth of any disk's chain; what can't be known stays; the rest goes by age."""

import json
import re
import shutil
import unittest
from pathlib import Path

import images
from harness import DAY, GIB, KIB, cache_key, creation, eventually, new_uuid, tool
from image_story import ImageStory


class Prune(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        _, self.client = self.daemon()
        self.url = self.serve(images.qcow2())
        self.key = cache_key(self.url)

    def precache(self, url: str | None = None):
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": url or self.url})
        self.assertEqual(answer.status, 200, answer.body)
        path = self.base / answer.body["key"]
        self.grow_old(path)
        return path

    def decision(self, name: str, dry_run: bool = False) -> dict:
        report = self.client.prune(dry_run)
        return next(d for d in report["decisions"] if d["name"] == name)

    def overlay(self, path, backing, backing_format: str = "raw"):
        path.parent.mkdir(exist_ok=True)
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", backing_format, path)
        return path

    def assert_kept(self, base, *words: str) -> None:
        for dry_run in (True, False):
            decision = self.decision(base.name, dry_run)
            self.assertFalse(decision["remove"], decision)
            for word in words:
                self.assertIn(word, decision["reason"])
            self.assertTrue(base.exists())

    def test_an_unused_old_base_file_goes_and_its_space_is_counted(self):
        base = self.precache()
        allocated = base.stat().st_blocks * 512
        dry = self.client.prune(dry_run=True)
        self.assertTrue(base.exists())
        self.assertEqual((dry["dry_run"], dry["removed"], dry["freed_bytes"]), (True, 1, allocated))
        report = self.client.prune()
        self.assertFalse(base.exists())
        self.assertEqual((report["dry_run"], report["removed"], report["freed_bytes"]), (False, 1, allocated))
        self.assertEqual(self.client.cache(), [])

    def test_a_young_base_file_stays(self):
        base = self.precache()
        self.grow_old(base, -2 * DAY)
        self.assert_kept(base, "24 h")

    def test_a_base_file_under_the_root_disk_stays(self):
        uuid = new_uuid()
        self.assert_created(self.client.create(uuid, creation(self.url)))
        base = self.base_file(self.url)
        self.grow_old(base)
        self.assert_kept(base, uuid, "'disk'")
        entry = next(entry for entry in self.client.cache() if entry["key"] == self.key)
        self.assertEqual(entry["users"], [f"instance {uuid} disk 'disk'"])
        self.client.delete(uuid)
        self.assert_kept(base, "24 h")  # a prune has just seen its last user
        self.grow_old(base)
        self.assertTrue(self.decision(self.key)["remove"])
        self.assertFalse(base.exists())

    def test_a_base_file_deep_in_a_chain_stays(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        lowest = self.overlay(folder / "snapshot-1", base)
        middle = self.overlay(folder / "snapshot-2", lowest, "qcow2")
        self.overlay(folder / "disk", middle, "qcow2")
        self.assert_kept(base, folder.name)

    def test_a_base_file_under_any_other_disk_stays(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        self.overlay(folder / "disk.local", base)
        self.assert_kept(base, folder.name, "'disk.local'")

    def test_a_relative_backing_file_counts(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        folder.mkdir()
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", f"../_base/{base.name}", "-F", "raw", folder / "disk")
        self.assert_kept(base, folder.name)

    def test_a_base_file_under_an_instance_in_the_making_stays(self):
        base = self.precache()
        folder = self.instances_path / f".{new_uuid()}.part"
        self.overlay(folder / "disk", base)
        self.assert_kept(base)

    def test_a_base_file_of_a_resized_instance_stays(self):
        base = self.precache()
        folder = self.instances_path / f"{new_uuid()}_resize"  # Nova's name while a resize waits for its confirmation
        self.overlay(folder / "disk", base)
        self.assert_kept(base)

    def raw_disk_like_an_overlay_of(self, base) -> Path:
        """What a guest can make of its raw disk."""
        created = self.client.create(new_uuid(), creation(self.serve(images.raw(), "/raw"), images_type="raw"))
        disk = Path(self.assert_created(created)["disk"]["path"])
        with open(disk, "r+b") as guest:
            guest.write(self.overlay(self.scratch / "guest.qcow2", base).read_bytes())
        return disk

    def test_a_raw_disk_that_pretends_to_be_an_overlay_is_not_believed(self):
        base = self.precache()
        self.raw_disk_like_an_overlay_of(base)
        self.assertTrue(self.decision(base.name)["remove"])

    def test_such_a_disk_is_not_believed_either_when_its_directory_was_reached_by_another_path(self):
        base = self.precache()
        recorded = self.raw_disk_like_an_overlay_of(base).with_name("disk.info")
        recorded.write_text(json.dumps({f"/mnt/nova//{recorded.parent.name}/disk": "raw"}))
        self.assertTrue(self.decision(base.name)["remove"])

    def test_one_that_nobody_recorded_counts_and_is_told_so_that_somebody_can_record_it(self):
        base = self.precache()
        recorded = self.raw_disk_like_an_overlay_of(base).with_name("disk.info")
        content = recorded.read_text()
        recorded.unlink()
        self.assert_kept(base, recorded.parent.name, "by its header alone: disk.info doesn't know it")
        recorded.write_text(content)
        self.grow_old(base)
        self.assertTrue(self.decision(base.name)["remove"])

    def test_what_is_no_disk_is_not_believed(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        for name in ("console.log", "console.log.1", "kernel", "ramdisk.rescue", "disk.config"):
            self.overlay(folder / name, base)
        self.assertTrue(self.decision(base.name)["remove"])

    def test_a_raw_base_file_that_pretends_to_be_an_overlay_is_not_believed(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        pretender = self.overlay(self.base / cache_key("inherited"), base)
        self.overlay(folder / "disk", pretender)
        self.grow_old(pretender)
        self.assertTrue(self.decision(base.name)["remove"])
        self.assert_kept(pretender, folder.name)

    def test_a_disk_that_cannot_be_read_stops_the_prune(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        disk = self.overlay(folder / "disk", base)
        disk.write_bytes(disk.read_bytes()[:40])
        quiet = self.cli("--socket", self.scratch / "agent.sock", "cache", "prune", "--quiet")
        self.assertEqual((quiet.code, quiet.out), (0, ""))
        self.assertIn("nothing is removed", quiet.err)
        report = self.client.prune()
        self.assertEqual((report["removed"], report["freed_bytes"]), (0, 0))
        self.assertTrue(any(folder.name in reason for reason in report["unreadable"]), report["unreadable"])
        self.assertTrue(base.exists())
        told = self.client.get("/v1/cache").body
        self.assertTrue(told["usage_unknown"])

    def test_an_instance_directory_that_cannot_be_read_stops_the_prune(self):
        base = self.precache()
        loop = self.instances_path / new_uuid()
        loop.symlink_to(loop.name)  # opening it fails: too many levels of symbolic links
        report = self.client.prune()
        self.assertEqual(report["removed"], 0, report)
        self.assertTrue(any(loop.name in reason for reason in report["unreadable"]), report["unreadable"])
        self.assertTrue(base.exists())

    def test_a_backing_file_that_is_missing_stops_the_prune(self):
        base = self.precache()
        folder = self.instances_path / new_uuid()
        middle = self.overlay(folder / "middle", base)
        self.overlay(folder / "disk", middle, "qcow2")
        middle.unlink()
        report = self.client.prune()
        self.assertEqual(report["removed"], 0, report)
        self.assertTrue(base.exists())

    def test_a_pinned_base_file_stays_until_it_is_unpinned(self):
        base = self.precache()
        answer = self.client.request("PUT", f"/v1/cache/{self.key}/pin", {"reason": "golden image"})
        self.assertEqual((answer.status, answer.body), (200, {"key": self.key, "pin": "golden image"}))
        self.assert_kept(base, "golden image")
        self.assert_problem(self.client.request("DELETE", f"/v1/cache/{self.key}"), 409, "in_use", "golden image")
        answer = self.client.request("DELETE", f"/v1/cache/{self.key}/pin")
        self.assertEqual(answer.body, {"key": self.key, "pin": None})
        self.assertTrue(self.decision(self.key)["remove"])

    def test_swap_and_ephemeral_bases_are_pruned_too(self):
        uuid = new_uuid()
        request = creation(self.url, 1, os_type="linux", flavor={"root_gb": 1, "ephemeral_gb": 1, "swap": 16})
        self.assert_created(self.client.create(uuid, request))
        for path in self.visible_base_files():
            self.grow_old(path)
        self.assertEqual(self.client.prune()["removed"], 0)
        self.client.delete(uuid)
        for path in self.visible_base_files():
            self.grow_old(path)
        self.assertEqual(self.client.prune()["removed"], 3)
        self.assertEqual(self.visible_base_files(), [])

    def test_legacy_resized_bases_go_after_an_hour(self):
        resized = self.base / f"{self.key}_20"
        resized.write_bytes(b"x" * 4096)
        self.grow_old(resized, 1800)
        self.assertFalse(self.decision(resized.name)["remove"])
        self.grow_old(resized, 3600)
        self.assertTrue(self.decision(resized.name)["remove"])
        self.assertFalse(resized.exists())

    def test_files_that_are_no_base_files_are_named_and_kept(self):
        stray = self.base / "notes.txt"
        stray.write_text("mine")
        self.grow_old(stray)
        self.assert_kept(stray)

    def test_one_base_file_can_be_removed_whatever_its_age_if_unused(self):
        base = self.precache()
        self.grow_old(base, -2 * DAY)
        uuid = new_uuid()
        self.assert_created(self.client.create(uuid, creation(self.url)))
        self.assert_problem(self.client.request("DELETE", f"/v1/cache/{self.key}"), 409, "in_use", uuid)
        self.client.delete(uuid)
        answer = self.client.request("DELETE", f"/v1/cache/{self.key}")
        self.assertEqual((answer.status, answer.body["key"]), (200, self.key))
        self.assertFalse(base.exists())


class PruneAtScale(ImageStory):
    INSTANCES = 1000
    USED_IMAGES = 8
    # A look, an opening, a reading, a closing; the same for a third of disk.info, and of the directory, which is listed a
    # second time, for somebody may have renamed what is in it.
    CALLS_PER_DISK = 9

    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("no strace: tools/install-packages.sh test")
        self.trace = self.scratch / "trace"
        _, self.client = self.daemon(wrapper=["strace", "-D", "-f", "-qq", "-e", "signal=none", "-o", self.trace])

    def header_over(self, name: str) -> bytes:
        """Of an overlay of a new base file, unused for long."""
        path, overlay = self.base / name, self.scratch / "overlay"
        with open(path, "wb") as file:
            file.truncate(GIB)
        self.grow_old(path)
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", path, "-F", "raw", overlay)
        return overlay.read_bytes()[:4 * KIB]

    def make_instances(self) -> None:
        roots = [self.header_over(cache_key(f"image-{number}")) for number in range(self.USED_IMAGES)]
        others = {"disk.eph0": self.header_over("ephemeral_1_0706d66"), "disk.swap": self.header_over("swap_16")}
        for number in range(self.INSTANCES):
            folder = self.instances_path / new_uuid()
            folder.mkdir()
            disks = {folder / name: header for name, header in {"disk": roots[number % len(roots)], **others}.items()}
            for path, header in disks.items():
                path.write_bytes(header)
            (folder / "disk.info").write_text(json.dumps({str(path): "qcow2" for path in disks}))

    def calls_of(self, work) -> list[tuple[str, int]]:
        """The daemon's system calls meanwhile: names and what they returned."""
        begin, end = new_uuid(), new_uuid()  # asked for before and after, they are landmarks in the trace
        self.client.get(f"/v1/instances/{begin}")
        work()
        self.client.get(f"/v1/instances/{end}")
        eventually(lambda: end in self.trace.read_text(), "the trace tells of the end")
        between = self.trace.read_text().split(begin)[-1].split(end)[0]
        self.assertNotEqual(between, "")
        return [(name, int(result)) for name, result in re.findall(r"^\d+ +(\w+)\(.* = (-?\d+)", between, re.MULTILINE)]

    def test_it_reads_the_headers_of_the_disks_and_little_else(self):
        self.make_instances()
        unused = cache_key("unused")
        self.header_over(unused)
        reports = []
        calls = self.calls_of(lambda: reports.append(self.client.prune(dry_run=True)))
        self.assertEqual([d["name"] for d in reports[0]["decisions"] if d["remove"]], [unused])
        disks = 3 * self.INSTANCES
        self.assertGreater(len(calls), disks)  # or the trace wasn't understood
        self.assertLess(len(calls), self.CALLS_PER_DISK * disks)
        self.assertEqual({name for name, _ in calls} & {"execve", "fork", "vfork"}, set())
        self.assertLess(sum(result for name, result in calls if name in ("read", "pread64")), 8 * KIB * disks)


if __name__ == "__main__":
    unittest.main(verbosity=2)
