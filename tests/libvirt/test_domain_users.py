"""Domains of a real libvirt keep the base files that they stand on, wherever their disks are and whoever made them."""

import private_machine
import tiny_guest
from domain_story import DomainStory
from harness import cache_key, tool


class DomainUsers(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.client.request("POST", "/v1/cache/images", {"image_ref": self.url}).status, 200)
        self.base_path = self.base / cache_key(self.url)
        # An overlay that no instance of ours has, as somebody makes one by hand.
        folder = self.scratch / self.uuid
        folder.mkdir()
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.base_path, folder / "disk")
        boot = (tiny_guest.kernel(), tiny_guest.ramdisk())
        self.written(tiny_guest.domain("other", self.uuid, folder, boot=boot))

    def reason_to_keep(self) -> str:
        """What a prune says of the base file, which has long not been used."""
        self.grow_old(self.base_path)
        decision = next(one for one in self.client.prune()["decisions"] if one["name"] == self.base_path.name)
        self.assertTrue(self.base_path.exists(), decision)
        return decision["reason"]

    def test_a_domain_that_is_only_defined_keeps_its_base_file_until_it_is_undefined(self):
        self.libvirt.done("define", self.scratch / "domain.xml")
        for word in ("domain", "other", "vda"):
            self.assertIn(word, self.reason_to_keep())
        self.libvirt.done("undefine", "other")
        self.grow_old(self.base_path)
        self.client.prune()
        self.assertFalse(self.base_path.exists())

    def test_a_transient_domain_and_one_with_a_snapshot_do_too(self):
        self.libvirt.done("create", "--paused", self.scratch / "domain.xml")
        self.assertIn("other", self.reason_to_keep())
        self.libvirt.done("destroy", "other")
        self.libvirt.done("define", self.scratch / "domain.xml")
        self.libvirt.done("snapshot-create-as", "other", "before", "--disk-only", "--diskspec", f"vda,file={self.scratch / 'after.qcow2'}")
        self.assertIn("other", self.reason_to_keep())

    def test_a_libvirt_that_is_away_stops_all_pruning(self):
        self.libvirt.stop_libvirtd()
        self.assertIn("usage could not be read", self.reason_to_keep())
        self.assertIn("libvirt", str(self.client.get("/v1/cache").body["usage_unknown"]))


if __name__ == "__main__":
    private_machine.run_stories()
