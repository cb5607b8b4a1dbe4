"""The config drive, read back with programs that aren't ours."""

import base64
import json
import unittest

import images
from harness import creation, new_uuid, tool
from image_story import ImageStory

USER_DATA = b"#cloud-config\nruncmd: [echo hello]\n"
NETWORK = {"links": [{"id": "tap0", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"}],
           "networks": [{"id": "n0", "type": "ipv4", "link": "tap0", "ip_address": "10.0.0.5"}], "services": []}


class ConfigDrive(ImageStory):
    def make(self, **fields) -> dict:
        """An instance with that config drive; its files by their path on it."""
        _, client = self.daemon()
        request = creation(self.serve(images.qcow2()), config_drive=True, name="web 1", hostname="web-1", **fields)
        disk = self.assert_created(client.create(new_uuid(), request))["disk.config"]
        self.drive = disk["path"]
        target = self.scratch / "drive"
        tool("xorriso", "-osirrox", "on", "-indev", self.drive, "-extract", "/", target)
        return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}

    def test_it_is_an_iso9660_file_system_labelled_config_2(self):
        self.make()
        self.assertEqual(tool("blkid", "-p", "-s", "LABEL", "-o", "value", self.drive).strip(), "config-2")
        self.assertEqual(tool("blkid", "-p", "-s", "TYPE", "-o", "value", self.drive).strip(), "iso9660")

    def test_the_guest_finds_its_metadata_where_openstack_puts_it(self):
        files = self.make(user_data=base64.b64encode(USER_DATA).decode(), metadata={"role": "web"}, network_data=NETWORK,
                          availability_zone="zone-1",
                          injected_files=[{"path": "/etc/motd", "contents": base64.b64encode(b"welcome\n").decode()}])
        meta = json.loads(files["openstack/latest/meta_data.json"])
        self.assertEqual(meta["hostname"], "web-1")
        self.assertEqual(meta["meta"], {"role": "web"})
        self.assertEqual(meta["availability_zone"], "zone-1")
        self.assertEqual(files["openstack/latest/user_data"], USER_DATA)
        self.assertEqual(json.loads(files["openstack/latest/network_data.json"]), NETWORK)
        self.assertIsInstance(json.loads(files["openstack/latest/vendor_data.json"]), dict)
        injected = {entry["path"]: entry["content_path"] for entry in meta["files"]}
        self.assertEqual(files["openstack" + injected["/etc/motd"]], b"welcome\n")
        self.assertIn("ec2/latest/meta-data.json", files)
        self.assertIn("openstack/2012-08-10/meta_data.json", files)

    def test_the_admin_password_is_on_the_drive_and_nowhere_else(self):
        daemon, client = self.daemon()
        secret = "Tr0ub4dor-and-3"
        request = creation(self.serve(images.qcow2()), config_drive=True, admin_pass=secret)
        uuid = new_uuid()
        disk = self.assert_created(client.create(uuid, request))["disk.config"]
        meta = self.scratch / "meta_data.json"
        tool("xorriso", "-osirrox", "on", "-indev", disk["path"], "-extract", "/openstack/latest/meta_data.json", meta)
        self.assertEqual(json.loads(meta.read_text())["admin_pass"], secret)
        answer = client.create(new_uuid(), {**request, "image_ref": self.server.url("/nowhere")})
        self.assertNotIn(secret, json.dumps(answer.body))
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn(secret, daemon.text())
        for name, kind in self.tree().items():
            if kind[0] == "file" and not name.endswith("disk.config"):
                self.assertNotIn(secret.encode(), (self.instances_path / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
