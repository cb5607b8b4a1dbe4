"""A story whose guest starts from the disks that were made for it, and tells what cloud-init has made of it."""

import abc
import base64
import gzip
import json
import shutil
from pathlib import Path

import emulated_machine
import guest_image
import guest_machine
from guest_machine import Drive
from harness import GIB, new_uuid
from image_story import ImageStory
from requirements import Missing

REPORT_PROGRAM = Path(__file__).resolve().with_name("guest_report.py")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDo8e0Qa1fXl0mUQSK9rVwNn0xyzb8h2k6yY3Vd4sT5w operator@desk"
MAC, ADDRESS, GATEWAY, MTU = "fa:16:3e:00:0b:0c", "10.77.0.5", "10.77.0.1", 1400
NETWORK = {
    "links": [{"id": "tap0", "type": "ovs", "vif_id": "vif0", "ethernet_mac_address": MAC, "mtu": MTU}],
    "networks": [{"id": "network0", "type": "ipv4", "link": "tap0", "network_id": "net0", "ip_address": ADDRESS,
                  "netmask": "255.255.255.0", "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": GATEWAY}]}],
    "services": []}
MOTD = "injected by path\n"
TOLD = "written by user data\n"


class GuestStory(ImageStory, abc.ABC):
    """Of one guest; what derives from it says by which ways its disks come."""

    images_type = "qcow2"
    drive_format = "iso9660"
    drive_is_cdrom = True
    gzipped = False  # the user data

    def setUp(self) -> None:
        try:
            self.kernel = emulated_machine.newest_kernel("guest")
            self.image = guest_image.prepared()
        except Missing as missing:
            self.skipTest(str(missing))
        super().setUp()
        self.uuid = new_uuid()

    @abc.abstractmethod
    def image_ref(self) -> str:
        """What the instance is made from."""

    def local_file(self, path: Path, name: str) -> str:
        """As a file:// URL that the daemon may read."""
        folder = self.scratch / "files"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / name)
        return f"file://{folder / name}"

    def user_data(self) -> bytes:
        program = base64.b64encode(REPORT_PROGRAM.read_bytes()).decode()
        told = {"write_files": [{"path": "/root/report.py", "encoding": "b64", "content": program},
                                {"path": "/root/told-by-user-data", "content": TOLD, "permissions": "0640"}],
                "runcmd": [["python3", "/root/report.py"]]}
        text = f"#cloud-config\n{json.dumps(told)}\n".encode()
        return gzip.compress(text) if self.gzipped else text

    def create(self) -> dict:
        """The disks, by name, that the command line got from a daemon."""
        config = self.config(DEFAULT={"config_drive_format": self.drive_format} if self.drive_format != "iso9660" else {})
        self.daemon(config)
        (self.scratch / "motd").write_text(MOTD)
        (self.scratch / "key.pub").write_text(KEY)
        (self.scratch / "network.json").write_text(json.dumps(NETWORK))
        (self.scratch / "user_data").write_bytes(self.user_data())
        (self.scratch / "spec.json").write_text(json.dumps({"os_type": "linux", "key_name": "operator", "project_id": "project-7",
                                                            "availability_zone": "zone-1"}))
        ramdisk = guest_machine.make_ramdisk(self.scratch, self.kernel)
        made = self.cli("--socket", self.scratch / "agent.sock", "--json", "create", "--spec", self.scratch / "spec.json",
                        "--instance", self.uuid, "--name", "Web 1", "--image", self.image_ref(),
                        "--kernel", self.local_file(self.kernel, "vmlinuz"), "--ramdisk", self.local_file(ramdisk, "first.cpio"),
                        "--images-type", self.images_type, "--root-gb", "3", "--ephemeral-gb", "1", "--swap-mb", "64",
                        "--config-drive", "--metadata", "role=web", "--metadata", "tier=1", "--user-data", self.scratch / "user_data",
                        "--key", self.scratch / "key.pub", "--network-data", self.scratch / "network.json",
                        "--file", f"/etc/motd={self.scratch / 'motd'}", config=config)
        self.assertEqual(made.code, 0, made.err)
        return {disk["name"]: disk for disk in made.json["disks"]}

    def start(self, disks: dict) -> dict:
        """The guest's report."""
        drives = [Drive(disks[name]["path"], disks[name]["format"]) for name in ("disk", "disk.local", "disk.swap")]
        drives.append(Drive(disks["disk.config"]["path"], "raw", self.drive_is_cdrom))
        self.drive_device = guest_machine.device_names(drives)[-1]
        said = guest_machine.run(self.scratch, disks["kernel"]["path"], disks["ramdisk"]["path"], drives, MAC)
        report = guest_machine.report_of(said)
        self.assertNotIn("failed", report)
        return report

    def assert_is_what_was_asked_for(self, report: dict) -> None:
        self.assertEqual(report["data_source"], f"DataSourceConfigDrive [net,ver=2][source={self.drive_device}]")
        self.assertEqual(report["errors"], [])
        self.assertEqual(report["instance_id"], self.uuid)
        self.assertEqual(report["hostname"], "web-1")
        self.assertEqual(report["meta_data"], {"uuid": self.uuid, "name": "Web 1", "meta": {"role": "web", "tier": "1"},
                                               "availability_zone": "zone-1", "project_id": "project-7"})
        self.assertEqual(report["interfaces"], {MAC: {"mtu": MTU, "addresses": [f"{ADDRESS}/24"]}})
        self.assertEqual(report["routes"], [f"default via {GATEWAY}"])
        self.assertIn(KEY, report["keys"].splitlines())
        self.assertEqual(report["files"], {"/etc/motd": MOTD, "/root/told-by-user-data": TOLD})
        self.assertEqual(report["modes"], {"/root/told-by-user-data": "0o640"})

    def assert_has_its_disks(self, report: dict) -> None:
        """Each of its size and in its place, and the file system of the root as large as its disk."""
        self.assertEqual(report["mounts"], {"/dev/vda1": "/", "/dev/vdb": "/mnt"})
        self.assertEqual(report["swap"], ["/dev/vdc"])
        self.assertGreater(report["root_bytes"], 2.8 * GIB)
        self.assertEqual(report["labels"]["ephemeral0"], "/dev/vdb")
        self.assertEqual(report["labels"]["config-2"], self.drive_device)


