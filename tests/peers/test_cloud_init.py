"""What guests read config drives with: Debian's own cloud-init finds ours, of both media, and returns all of it as it was given.

Nothing is mounted: xorriso and mtools take the files off the drive.
"""

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from harness import Story, new_uuid, tool

sys.path.append("/usr/lib/python3/dist-packages")
try:
    from cloudinit.net import eni, network_state
    from cloudinit.sources import DataSourceConfigDrive
    from cloudinit.sources.helpers import openstack
except ImportError:
    DataSourceConfigDrive = None

DS_IDENTIFY = Path("/usr/lib/cloud-init/ds-identify")
FORMATS = ("iso9660", "vfat")
MAC = "fa:16:3e:00:00:01"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@example"
CLOUD_CONFIG = b"#cloud-config\nhostname: given-by-user-data\nruncmd: [echo hello]\n"
USER_DATA = {"text": CLOUD_CONFIG, "gzip": gzip.compress(CLOUD_CONFIG, mtime=0), "binary": bytes(range(256)) * 5}
FILES = {"/etc/motd": b"welcome\n", "/opt/program": bytes(range(255, -1, -1)) * 20, "/etc/empty": b""}
NETWORK = {
    "links": [{"id": "tap0", "type": "phy", "ethernet_mac_address": MAC, "mtu": 1442, "vif_id": "v0"}],
    "networks": [{"id": "n0", "type": "ipv4", "link": "tap0", "ip_address": "10.1.2.3", "netmask": "255.255.255.0",
                  "network_id": "f0", "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.1.2.1"}]},
                 {"id": "n1", "type": "ipv6", "link": "tap0", "ip_address": "2001:db8::5",
                  "netmask": "ffff:ffff:ffff:ffff::", "network_id": "f1", "routes": []}],
    "services": [{"type": "dns", "address": "10.1.2.2"}],
}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@unittest.skipUnless(DataSourceConfigDrive, "cloud-init isn't installed (tools/install-packages.sh peers)")
class CloudInit(Story):
    def build(self, drive_format: str, **fields) -> Path:
        """A config drive of that format, made by the command of its own."""
        spec = {"uuid": new_uuid(), "name": "web 1", "hostname": "web-1", "key_name": "mine", "key_data": KEY,
                "metadata": {"role": "web", "motto": "gr\u00fc\u00dfe"}, "availability_zone": "zone-1",
                "project_id": "b7e0f3", "admin_pass": "Tr0ub4dor-and-3", "network_data": NETWORK,
                "user_data": encoded(CLOUD_CONFIG),
                "injected_files": [{"path": path, "contents": encoded(content)} for path, content in FILES.items()],
                **fields}
        self.spec = spec
        (self.scratch / "spec.json").write_text(json.dumps(spec))
        drive = self.scratch / f"{drive_format}-{new_uuid()}"
        made = self.cli("config-drive", "build", "--spec", self.scratch / "spec.json", "--output", drive,
                        "--format", drive_format)
        self.assertEqual(made.code, 0, made.err)
        return drive

    def extracted(self, drive: Path, drive_format: str) -> Path:
        target = self.scratch / f"tree-{new_uuid()}"
        target.mkdir()
        if drive_format == "vfat":
            tool("mcopy", "-s", "-n", "-i", drive, "::*", target)
        else:
            tool("xorriso", "-osirrox", "on", "-indev", drive, "-extract", "/", target)
            tool("chmod", "-R", "u+w", target)
        return target

    def read(self, drive_format: str, **fields) -> dict:
        tree = self.extracted(self.build(drive_format, **fields), drive_format)
        return DataSourceConfigDrive.read_config_drive(str(tree))

    def test_every_field_is_what_was_given(self):
        for drive_format in FORMATS:
            with self.subTest(drive_format):
                found = self.read(drive_format)
                self.assertEqual(found["version"], 2)
                metadata = found["metadata"]
                self.assertEqual(metadata["uuid"], self.spec["uuid"])
                self.assertEqual(metadata["instance-id"], self.spec["uuid"])
                self.assertEqual(metadata["local-hostname"], "web-1.novalocal")
                self.assertEqual(metadata["name"], "web 1")
                self.assertEqual(metadata["meta"], self.spec["metadata"])
                self.assertEqual(metadata["availability_zone"], "zone-1")
                self.assertEqual(metadata["project_id"], "b7e0f3")
                self.assertEqual(metadata["admin_pass"], "Tr0ub4dor-and-3")
                self.assertEqual({name: key.strip() for name, key in metadata["public_keys"].items()}, {"mine": KEY})
                self.assertEqual(len(metadata["random_seed"]), 512)
                self.assertEqual(found["networkdata"], NETWORK)
                self.assertEqual(found["files"], FILES)

    def test_user_data_is_what_was_given_whatever_bytes_it_is(self):
        for drive_format in FORMATS:
            for kind, content in USER_DATA.items():
                with self.subTest(f"{kind} on {drive_format}"):
                    self.assertEqual(self.read(drive_format, user_data=encoded(content))["userdata"], content)

    def test_without_user_data_there_is_none(self):
        for drive_format in FORMATS:
            with self.subTest(drive_format):
                self.assertFalse(self.read(drive_format, user_data="").get("userdata"))

    def test_the_network_is_rendered_for_the_distribution(self):
        for drive_format in FORMATS:
            with self.subTest(drive_format):
                config = openstack.convert_net_json(self.read(drive_format)["networkdata"], known_macs={MAC: "eth0"})
                target = self.scratch / f"root-{drive_format}"
                state = network_state.parse_net_config_data(config, skip_broken=False)
                eni.Renderer().render_network_state(state, target=str(target))
                text = "".join(path.read_text() for path in target.rglob("*") if "interfaces" in str(path) and path.is_file())
                for line in ("auto eth0", "iface eth0 inet static", "address 10.1.2.3", "default gw 10.1.2.1", "mtu 1442",
                             "iface eth0 inet6 static", "address 2001:db8::5", "dns-nameservers 10.1.2.2"):
                    self.assertIn(line, text)

    def identified(self, drive: Path) -> str:
        """What ds-identify, which decides at boot whether cloud-init runs, makes of what blkid says of the drive."""
        root = self.scratch / f"guest-{drive.name}"
        for folder in ("run", "proc/1", "sys/class/dmi/id", "dev/disk", "etc/cloud", "var/lib/cloud"):
            (root / folder).mkdir(parents=True)
        for name, text in (("cmdline", "quiet"), ("uptime", "1.0 1.0"), ("1/cmdline", "init"), ("1/environ", "")):
            (root / "proc" / name).write_text(text)
        # A guest of KVM whose one file system is the drive. In a container, which this machine may be, it wouldn't look.
        (root / "blkid").write_text(tool("blkid", "-p", "-o", "export", drive))
        (root / "bin").mkdir()
        for name, command in (("systemd-detect-virt", "echo kvm"), ("blkid", f"cat {root}/blkid")):
            (root / "bin" / name).write_text(f"#!/bin/sh\n{command}\n")
            (root / "bin" / name).chmod(0o755)
        environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "PATH_ROOT": str(root)}
        subprocess.run(["sh", DS_IDENTIFY, "--force"], env=environment, capture_output=True, check=False)
        chosen = root / "run/cloud-init/cloud.cfg"
        return chosen.read_text() if chosen.exists() else ""

    @unittest.skipUnless(DS_IDENTIFY.exists() and shutil.which("blkid"), "ds-identify or blkid isn't installed")
    def test_a_guest_that_boots_finds_the_drive(self):
        for drive_format in FORMATS:
            with self.subTest(drive_format):
                self.assertIn("datasource_list: [ ConfigDrive, None ]", self.identified(self.build(drive_format)))
        nothing = self.scratch / "nothing"
        tool("mkfs.ext4", "-q", nothing, "4m")
        self.assertNotIn("ConfigDrive", self.identified(nothing))


if __name__ == "__main__":
    unittest.main(verbosity=2)
