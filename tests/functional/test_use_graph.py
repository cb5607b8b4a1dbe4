"""Who uses base files besides the instance directories: libvirt's domains, and other nodes on the same directory.

libvirt is the real library with its own test driver (test:///FILE), whose node is a file: no daemon, no guest.
"""

import json
import os
import socket
import time
import unittest
import uuid
from pathlib import Path

import images
from ctypes.util import find_library
from harness import DAY, KIB, eventually, tool
from image_story import ImageStory

MACHINE = (Path("/etc/machine-id").read_text().split("\n")[0] if Path("/etc/machine-id").exists() else "") or socket.gethostname()


def disk(path, device: str = "vda", disk_format: str | None = "qcow2", kind: str = "file", device_kind: str = "disk") -> str:
    driver = f"<driver name='qemu' type='{disk_format}'/>" if disk_format else ""
    attribute = "dev" if kind == "block" else "file"
    return (f"<disk type='{kind}' device='{device_kind}'>{driver}<source {attribute}='{path}'/>"
            f"<target dev='{device}'/></disk>")


def domain(name: str, devices: str, boot: str = "", runs: bool = False) -> str:
    return ("<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
            f"<test:runstate>{1 if runs else 5}</test:runstate><name>{name}</name><uuid>{uuid.uuid4()}</uuid>"
            f"<memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type>{boot}</os><devices>{devices}</devices></domain>")


@unittest.skipUnless(find_library("virt"), "libvirt's library isn't installed")
class Domains(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.node = self.scratch / "node.xml"
        self.elsewhere = self.scratch / "elsewhere"
        self.elsewhere.mkdir()
        self.knows()
        _, self.client = self.daemon(self.config(basecache={"domains": "libvirt"},
                                                 libvirt={"connection_uri": f"test://{self.node}"}))
        url = self.serve(images.qcow2())
        answer = self.client.request("POST", "/v1/cache/images", {"image_ref": url})
        self.key = answer.body["key"]
        self.base_path = self.base / self.key
        self.grow_old(self.base_path)

    def knows(self, *domains: str) -> None:
        self.node.write_text("<node>" + "".join(domains) + "</node>")

    def overlay(self, name: str, backing=None, backing_format: str = "raw"):
        path = self.elsewhere / name
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", backing or self.base_path, "-F", backing_format, path)
        return path

    def decision(self, dry_run: bool = False) -> dict:
        return next(one for one in self.client.prune(dry_run)["decisions"] if one["name"] == self.key)

    def assert_kept_for(self, *users: str) -> None:
        for dry_run in (True, False):
            decision = self.decision(dry_run)
            self.assertFalse(decision["remove"], decision)
            self.assertTrue(any(f"used by {user}" in decision["reason"] for user in users), decision)
        shown = next(entry for entry in self.client.cache() if entry["key"] == self.key)
        self.assertEqual(sorted(shown["users"]), list(users))

    def assert_unknown(self, *words: str) -> None:
        report = self.client.prune()
        self.assertEqual(report["removed"], 0)
        self.assertEqual(len(report["unreadable"]), 1, report["unreadable"])
        for word in words:
            self.assertIn(word, report["unreadable"][0])
        self.assertTrue(self.base_path.exists())
        self.assertEqual(self.client.get("/v1/cache").body["usage_unknown"], report["unreadable"])

    def test_a_libvirt_without_domains_stops_nothing(self):
        self.assertTrue(self.decision()["remove"])
        self.assertFalse(self.base_path.exists())

    def test_a_domain_that_is_off_keeps_the_base_file_under_its_disk_elsewhere(self):
        self.knows(domain("web01", disk(self.overlay("web.qcow2"))))
        self.assert_kept_for("domain 'web01' disk vda")
        self.knows()
        self.grow_old(self.base_path)
        self.assertTrue(self.decision()["remove"])

    def test_a_running_domain_does_too_at_any_depth_of_its_chain(self):
        low = self.overlay("low.qcow2")
        middle = self.overlay("middle.qcow2", low, "qcow2")
        self.knows(domain("web01", disk(self.overlay("top.qcow2", middle, "qcow2"), "vdc"), runs=True))
        self.assert_kept_for("domain 'web01' disk vdc")

    def test_a_domain_may_stand_on_the_base_file_itself(self):
        self.knows(domain("a", disk(self.base_path, "sda", "raw", device_kind="cdrom")),
                   domain("b", "", f"<kernel>{self.base_path}</kernel>"))
        self.assert_kept_for("domain 'a' disk sda", "domain 'b' kernel")

    def test_a_format_that_the_domain_leaves_open_is_read_from_disk_info_or_the_header(self):
        path = self.overlay("web.qcow2")
        self.knows(domain("web01", disk(path, disk_format=None)))
        self.assert_kept_for("domain 'web01' disk vda")
        (self.elsewhere / "disk.info").write_text(json.dumps({str(path): "raw"}))
        self.grow_old(self.base_path)
        self.assertTrue(self.decision()["remove"])

    def test_what_a_domain_calls_raw_is_not_looked_into(self):
        self.knows(domain("web01", disk(self.overlay("web.qcow2"), disk_format="raw")))
        self.assertTrue(self.decision()["remove"])

    def test_a_disk_in_an_instance_directory_is_named_once(self):
        folder = self.instances_path / "i-1"
        folder.mkdir()
        path = folder / "disk"
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", self.base_path, "-F", "raw", path)
        (folder / "disk.info").write_text(json.dumps({str(path): "qcow2"}))
        self.knows(domain("i-1", disk(path)))
        self.assert_kept_for("instance i-1 disk 'disk'")

    def test_missing_files_of_domains_use_nothing_where_nothing_can_be_below_them(self):
        lost = self.elsewhere / "lost"
        self.knows(domain("a", disk(lost, disk_format="raw") + disk(lost, "sda", "raw", device_kind="cdrom")),
                   domain("b", disk(self.instances_path / "b/disk")),
                   domain("c", disk(lost, disk_format="raw", kind="block")))
        self.assertEqual(self.client.prune()["unreadable"], [])
        self.assertFalse(self.base_path.exists())

    def test_a_missing_disk_that_may_have_stood_on_a_base_file_stops_the_prune(self):
        for disk_format in ("qcow2", None):
            self.knows(domain("web01", disk(self.elsewhere / "lost", disk_format=disk_format)))
            self.assert_unknown("domain 'web01' disk vda", str(self.elsewhere / "lost"), "mount what it is on")

    def test_a_lost_link_of_a_domains_chain_stops_the_prune(self):
        middle = self.overlay("middle.qcow2")
        self.knows(domain("web01", disk(self.overlay("top.qcow2", middle, "qcow2"))))
        middle.unlink()
        self.assert_unknown("domain 'web01' disk vda", "middle.qcow2", "is missing")

    def test_a_qcow2_on_a_device_that_the_domain_names_so_is_read(self):
        if os.geteuid() != 0:
            self.skipTest("loop devices need root")
        path = self.overlay("web.qcow2")
        with open(path, "ab") as file:
            file.truncate((path.stat().st_size // 512 + 1) * 512)
        device = tool("losetup", "--find", "--show", "--read-only", path).strip()
        self.addCleanup(tool, "losetup", "--detach", device)
        self.knows(domain("web01", disk(device, kind="block")))
        self.assert_kept_for("domain 'web01' disk vda")
        self.knows(domain("web01", disk(device, kind="block", disk_format="raw")))
        self.grow_old(self.base_path)
        self.assertTrue(self.decision()["remove"])

    def test_a_removal_by_name_asks_the_domains_too(self):
        self.knows(domain("web01", disk(self.overlay("web.qcow2"))))
        answer = self.client.request("DELETE", f"/v1/cache/{self.key}")
        self.assertEqual(answer.status, 409, answer.body)
        self.assertIn("domain 'web01' disk vda", answer.body["detail"])

    def test_a_libvirt_that_cannot_be_asked_stops_the_prune_and_says_so(self):
        self.node.unlink()
        self.assert_unknown("cannot connect to libvirt", "domains = none")

    def test_a_node_whose_libvirt_does_not_run_removes_nothing(self):
        for name, uri in (("away", f"qemu+unix:///system?socket={self.scratch}/none"), ("wrong", "words:///")):
            config = self.config(f"{name}.conf", basecache={"domains": "libvirt"}, libvirt={"connection_uri": uri})
            answer = self.cli("--standalone", "--json", "cache", "prune", config=config)
            self.assertEqual(answer.code, 0, answer.err)
            self.assertEqual(answer.json["removed"], 0)
            self.assertIn("cannot connect to libvirt", answer.json["unreadable"][0])

    def test_a_libvirt_that_is_silent_is_given_up_when_its_asker_leaves(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.scratch / "silent"))
        listener.listen()
        uri = f"qemu+unix:///system?socket={self.scratch}/silent"
        daemon, client = self.daemon(self.config("silent.conf", basecache={"domains": "libvirt"},
                                                 libvirt={"connection_uri": uri}), "silent.sock")
        stream = client.stream("POST", "/v1/cache/prune", {})
        self.addCleanup(stream.close)
        accepted, _ = listener.accept()  # it was asked, and nobody answers
        self.addCleanup(accepted.close)
        self.assertEqual(client.cancel(stream.started()).status, 200)
        while accepted.recv(64 * KIB):
            pass  # its question, until it leaves
        eventually(lambda: not daemon.children(), "the child that asks libvirt has ended")


class Nodes(ImageStory):
    """Two nodes with one instances_path."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.client = self.daemon(self._config_of("n1"))
        url = self.serve(images.qcow2())
        self.key = self.client.request("POST", "/v1/cache/images", {"image_ref": url}).body["key"]
        self.base_path = self.base / self.key
        self.grow_old(self.base_path)
        self.markers = self.base / ".basecache/nodes"

    def _config_of(self, host: str, **libvirt):
        return self.config(f"{host}.conf", DEFAULT={"host": host}, basecache={"domains": "libvirt" if libvirt else "none"},
                           libvirt=libvirt)

    def tells(self, host: str, age: int = 0, **changes) -> None:
        marker = {"version": 1, "host": host, "written": int(time.time()) - age,
                  "asks_domains": True, "unknown": "", "keys": {self.key: ["domain 'db' disk vda"]}, **changes}
        (self.markers / f"{host}.{MACHINE}.json").write_text(json.dumps(marker))

    def reason(self) -> str:
        return next(one for one in self.client.prune(True)["decisions"] if one["name"] == self.key)["reason"]

    def test_what_another_node_tells_that_it_uses_stays(self):
        self.tells("n2")
        self.assertEqual(self.reason(), "used by node 'n2': domain 'db' disk vda")

    def test_what_a_node_told_that_is_gone_counts_for_a_day(self):
        self.tells("n2", age=DAY - 3600)
        self.assertIn("node 'n2'", self.reason())
        self.tells("n2", age=DAY + 3600)
        self.assertNotIn("node 'n2'", self.reason())
        self.assertEqual(sorted(path.name for path in self.markers.iterdir()), [f"n1.{MACHINE}.{end}" for end in ("json", "lock")])

    def test_a_node_that_does_not_know_and_one_that_cannot_be_understood_stop_the_prune(self):
        for changes, words in (({"unknown": "libvirt is away"}, "libvirt is away"), ({"version": 2}, "another version"),
                               ({"keys": []}, "can't be understood"), ({"keys": {"words": []}}, "no base file")):
            self.tells("n2", **changes)
            report = self.client.prune()
            self.assertEqual(report["removed"], 0)
            self.assertIn("node 'n2'", report["unreadable"][0])
            self.assertIn(words, report["unreadable"][0])
        self.assertTrue(self.base_path.exists())

    def test_a_node_that_lives_has_to_tell(self):
        if not find_library("virt"):
            self.skipTest("libvirt's library isn't installed")
        node = self.scratch / "node.xml"
        overlay = self.scratch / "overlay"
        tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", self.base_path, "-F", "raw", overlay)
        node.write_text(f"<node>{domain('db', disk(overlay))}</node>")
        second, other = self.daemon(self._config_of("n2", connection_uri=f"test://{node}"), "second.sock")
        report = self.client.prune()
        self.assertEqual((report["removed"], len(report["unreadable"])), (0, 1), report)
        self.assertIn("it hasn't told yet", report["unreadable"][0])
        other.prune(True)
        other.cache()
        self.assertIn("it hasn't told yet", self.client.prune()["unreadable"][0])  # who only looks doesn't tell
        other.prune()
        self.assertEqual(self.reason(), "used by node 'n2': domain 'db' disk vda")
        self.tells("n2", age=2 * DAY)  # it lives, so this isn't forgotten, and it isn't believed either
        self.assertIn("for a day", self.client.prune()["unreadable"][0])
        node.write_text("<node/>")
        other.prune()
        second.stop()
        self.grow_old(self.base_path)
        self.assertEqual(self.client.prune()["removed"], 1)

    def test_a_second_daemon_of_one_host_name_says_so_and_works(self):
        second, other = self.daemon(self._config_of("n1"), "second.sock")
        self.assertIn("host_name_shared", second.text())
        self.assertNotIn("host_name_shared", self.first.text())
        self.assertEqual(other.prune()["removed"], 1)


if __name__ == "__main__":
    unittest.main()
