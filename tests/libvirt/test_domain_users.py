"""Domains of a real libvirt keep the base files that they stand on, wherever their disks are and whoever made them."""

import private_machine
import tiny_guest
from domain_story import DomainStory
from harness import cache_key, tool

POOL = """<pool type='dir'><name>disks</name><target><path>{folder}</path></target></pool>"""


class DomainUsers(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.client.request("POST", "/v1/cache/images", {"image_ref": self.url}).status, 200)
        self.base_path = self.base / cache_key(self.url)
        # An overlay that no instance of ours has, as somebody makes one by hand.
        self.folder = self.scratch / self.uuid
        self.folder.mkdir()
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.base_path, self.folder / "disk")
        tool("qemu-img", "create", "-q", "-f", "qcow2", self.folder / "own", "16M")  # which stands on nothing
        self.written(self.other("disk"))

    def other(self, disk: str) -> str:
        return tiny_guest.domain("other", self.uuid, self.folder, boot=(tiny_guest.kernel(), tiny_guest.ramdisk()), disk=disk)

    def reason_to_keep(self) -> str:
        """What a prune says of the base file, which has long not been used."""
        self.grow_old(self.base_path)
        decision = next(one for one in self.client.prune()["decisions"] if one["name"] == self.base_path.name)
        self.assertTrue(self.base_path.exists(), decision)
        return decision["reason"]

    def assert_kept(self) -> None:
        self.assertIn("used by domain 'other' disk vda", self.reason_to_keep())

    def assert_goes(self) -> None:
        self.grow_old(self.base_path)
        self.client.prune()
        self.assertFalse(self.base_path.exists())

    def redefine(self, disk: str = "own") -> None:
        self.define(self.other(disk))

    def start(self) -> None:
        self.libvirt.done("define", self.scratch / "domain.xml")
        self.libvirt.done("start", "--paused", "other")

    def test_a_domain_that_is_only_defined_keeps_its_base_file_until_it_is_undefined(self):
        self.libvirt.done("define", self.scratch / "domain.xml")
        for word in ("domain", "other", "vda"):
            self.assertIn(word, self.reason_to_keep())
        self.libvirt.done("undefine", "other")
        self.assert_goes()

    def test_a_transient_domain_and_one_with_a_snapshot_do_too(self):
        self.libvirt.done("create", "--paused", self.scratch / "domain.xml")
        self.assertIn("other", self.reason_to_keep())
        self.libvirt.done("destroy", "other")
        self.libvirt.done("define", self.scratch / "domain.xml")
        self.libvirt.done("snapshot-create-as", "other", "before", "--disk-only", "--diskspec", f"vda,file={self.scratch / 'after.qcow2'}")
        self.assertIn("other", self.reason_to_keep())

    def test_a_saved_domain_keeps_what_it_had_as_it_ran_though_it_is_another_now(self):
        self.start()
        self.libvirt.done("managedsave", "other")
        self.redefine()
        self.assert_kept()
        self.libvirt.done("managedsave-remove", "other")
        self.assert_goes()

    def test_a_running_domain_keeps_what_it_has_and_what_it_is_going_to_have(self):
        self.start()
        self.redefine()
        self.assert_kept()
        self.redefine("disk")
        self.libvirt.done("destroy", "other")
        self.redefine()
        self.libvirt.done("start", "--paused", "other")
        self.redefine("disk")
        self.assert_kept()
        self.redefine()
        self.assert_goes()

    def test_snapshots_and_checkpoints_keep_what_they_alone_name(self):
        after = self.folder / "after"
        for kind, words in (("snapshot", ["--disk-only", "--diskspec", f"vda,file={after}"]), ("snapshot", []), ("checkpoint", [])):
            with self.subTest(kind, words=words):
                self.redefine("disk")
                if kind == "checkpoint":
                    self.libvirt.done("start", "--paused", "other")
                self.libvirt.done(f"{kind}-create-as", "other", "one", *words)
                if kind == "checkpoint":
                    self.libvirt.done("destroy", "other")
                self.redefine()
                self.assert_kept()
                self.libvirt.done(f"{kind}-delete", "--metadata", "other", "one")
        self.assert_goes()

    def test_a_disk_that_is_written_into_the_one_below_keeps_it_and_one_that_took_all_of_it_does_not(self):
        self.start()
        self.libvirt.done("snapshot-create-as", "--no-metadata", "other", "one", "--disk-only", "--diskspec", f"vda,file={self.folder / 'after'}")
        self.assert_kept()
        self.libvirt.done("blockcommit", "--active", "--shallow", "--pivot", "--wait", "other", "vda")
        (self.folder / "after").unlink()
        self.assert_kept()
        self.libvirt.done("blockpull", "--wait", "other", "vda")
        self.assert_goes()

    def test_a_volume_of_a_storage_pool_is_followed_and_nothing_is_removed_while_its_pool_is_away(self):
        pool = self.scratch / "pool.xml"
        pool.write_text(POOL.format(folder=self.folder))
        self.libvirt.done("pool-create", pool)
        self.define(self.other("disk").replace("type='file' device='disk'", "type='volume' device='disk'")
                    .replace(f"file='{self.folder / 'disk'}'", "pool='disks' volume='disk'"))
        self.assert_kept()
        self.libvirt.done("pool-destroy", "disks")
        self.assertIn("usage could not be read", self.reason_to_keep())
        self.assertIn("'disks'", str(self.client.get("/v1/cache").body["usage_unknown"]))
        self.libvirt.done("undefine", "other")
        self.assert_goes()

    def test_a_libvirt_that_is_away_stops_all_pruning(self):
        self.libvirt.stop_libvirtd()
        self.assertIn("usage could not be read", self.reason_to_keep())
        self.assertIn("libvirt", str(self.client.get("/v1/cache").body["usage_unknown"]))


if __name__ == "__main__":
    private_machine.run_stories()
