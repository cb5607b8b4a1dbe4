"""The config drive, read back with programs that aren't ours."""

import base64
import gzip
import json
import subprocess
import unittest
from pathlib import Path
from xml.etree import ElementTree

import images
from harness import CLI, MIB, Story, creation, new_uuid, tool
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
        self.assertEqual(meta["hostname"], "web-1.novalocal")
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


class Media(ImageStory):
    """iso9660 and vfat, through the daemon: made, kept, made anew."""

    def setUp(self) -> None:
        super().setUp()
        self.request = creation(self.serve(images.qcow2()), config_drive=True, name="web 1", hostname="web-1",
                                user_data=base64.b64encode(USER_DATA).decode(), admin_pass="Tr0ub4dor-and-3")

    def vfat_daemon(self, socket: str = "vfat.sock"):
        return self.daemon(self.config("vfat.conf", DEFAULT={"config_drive_format": "vfat"}), socket)

    def drive_of(self, client, uuid: str, **fields) -> dict:
        return self.assert_created(client.create(uuid, {**self.request, **fields}))["disk.config"]

    def meta_data(self, drive: str) -> dict:
        shown = self.cli("config-drive", "show", drive, "--file", "openstack/latest/meta_data.json")
        self.assertEqual(shown.code, 0, shown.err)
        return json.loads(shown.out)

    def config_disk(self, uuid: str, name: str = "libvirt.xml") -> tuple[str, str]:
        """How the guest gets the drive: as what, and by which name."""
        domain = ElementTree.parse(self.instances_path / uuid / name)
        for disk in domain.iter("disk"):
            if disk.find("source").get("file").endswith("/disk.config"):
                return disk.get("device"), disk.find("target").get("dev")
        self.fail("the domain has no config drive")

    def test_a_vfat_drive_is_what_nova_makes_but_with_holes(self):
        _, client = self.vfat_daemon()
        uuid = new_uuid()
        drive = self.drive_of(client, uuid)
        self.assertEqual((drive["format"], drive["size_bytes"], drive["how"]), ("vfat", 64 * MIB, "made"))
        path = Path(drive["path"])
        self.assertEqual(path.stat().st_size, 64 * MIB)
        self.assertLess(path.stat().st_blocks * 512, MIB)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        for tag, value in (("LABEL", "config-2"), ("TYPE", "vfat")):
            self.assertEqual(tool("blkid", "-p", "-s", tag, "-o", "value", path).strip(), value)
        tool("fsck.vfat", "-n", path)
        target = self.scratch / "drive"
        target.mkdir()
        tool("mcopy", "-s", "-n", "-i", path, "::*", target)
        self.assertEqual((target / "openstack/latest/user_data").read_bytes(), USER_DATA)
        self.assertEqual(json.loads((target / "openstack/latest/meta_data.json").read_text())["hostname"], "web-1.novalocal")
        formats = json.loads((self.instances_path / uuid / "disk.info").read_text())
        self.assertEqual(formats[drive["path"]], "raw")

    def test_the_guest_gets_a_disc_or_a_disk(self):
        for start, kind in ((self.daemon, "cdrom"), (self.vfat_daemon, "disk")):
            _, client = start()
            uuid = new_uuid()
            self.drive_of(client, uuid)
            device, name = self.config_disk(uuid)
            self.assertEqual(device, kind)
            self.assertEqual(name == "vdb", kind == "disk")

    def test_both_media_hold_the_same(self):
        drives = []
        for start in (self.daemon, self.vfat_daemon):
            _, client = start()
            drives.append(self.drive_of(client, "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90")["path"])
            (listed,) = [self.cli("--json", "config-drive", "show", drives[-1]).json]
            self.assertEqual(listed["label"], "config-2")
            drives[-1] = (listed["files"], self.meta_data(drives[-1]))
            self.assertEqual(client.request("DELETE", "/v1/instances/4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90").status, 200)
        (iso_files, iso_meta), (vfat_files, vfat_meta) = drives
        self.assertEqual(iso_files, vfat_files)
        self.assertNotEqual(iso_meta.pop("random_seed"), vfat_meta.pop("random_seed"))
        self.assertEqual(iso_meta, vfat_meta)

    def test_a_drive_stays_what_it_is_when_the_option_changes(self):
        _, plain = self.daemon()
        _, vfat = self.vfat_daemon()
        for first, second, drive_format in ((plain, vfat, "iso9660"), (vfat, plain, "vfat")):
            uuid = new_uuid()
            made = self.drive_of(first, uuid)
            device = self.config_disk(uuid)
            before = Path(made["path"]).read_bytes()
            kept = self.drive_of(second, uuid, metadata={"new": "words"})
            self.assertEqual((kept["format"], kept["how"], kept["size_bytes"]), (drive_format, "kept", made["size_bytes"]))
            self.assertEqual(Path(made["path"]).read_bytes(), before)
            shown = {disk["name"]: disk for disk in second.get(f"/v1/instances/{uuid}").body["disks"]}
            self.assertEqual(shown["disk.config"]["format"], drive_format)
            renewed = self.drive_of(second, uuid, refresh_config_drive=True)
            self.assertEqual((renewed["format"], renewed["how"]), (drive_format, "made"))
            self.assertEqual(self.config_disk(uuid), device)

    def test_a_drive_is_made_anew_on_request_and_a_guest_that_runs_keeps_the_old_one(self):
        _, client = self.daemon()
        uuid = new_uuid()
        path = Path(self.drive_of(client, uuid, metadata={"role": "old"})["path"])
        old_seed = self.meta_data(path)["random_seed"]
        disk = (self.instances_path / uuid / "disk").stat().st_ino
        with path.open("rb") as opened:
            before = path.read_bytes()
            self.assertEqual(self.drive_of(client, uuid, metadata={"role": "new"})["how"], "kept")
            self.assertEqual(self.meta_data(path)["meta"], {"role": "old"})
            self.assertEqual(self.drive_of(client, uuid, metadata={"role": "new"}, refresh_config_drive=True)["how"], "made")
            self.assertEqual(opened.read(), before)
        self.assertEqual(self.meta_data(path)["meta"], {"role": "new"})
        self.assertNotEqual(self.meta_data(path)["random_seed"], old_seed)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.instances_path / uuid / "disk").stat().st_ino, disk)
        self.assert_nothing_staged()

    def test_an_empty_drive_is_none_and_is_made_anew(self):
        _, client = self.daemon()
        uuid = new_uuid()
        path = Path(self.drive_of(client, uuid)["path"])
        path.write_bytes(b"")
        self.assertEqual(self.drive_of(client, uuid)["how"], "made")
        self.assertIn("uuid", self.meta_data(path))

    def test_a_drive_that_isnt_wanted_cannot_be_made_anew(self):
        _, client = self.daemon()
        refused = client.create(new_uuid(), {**self.request, "config_drive": False, "refresh_config_drive": True})
        self.assertEqual((refused.status, refused.body["code"]), (400, "invalid_request"))
        self.assertEqual(refused.body["fields"]["field"], "refresh_config_drive")

    def test_the_command_line_asks_for_it(self):
        uuid, url = new_uuid(), self.request["image_ref"]
        create = ("--standalone", "--json", "create", "--instance", uuid, "--image", url, "--config-drive")
        path = {disk["name"]: disk for disk in self.cli(*create).json["disks"]}["disk.config"]["path"]
        renewed = self.cli(*create, "--metadata", "role=new", "--refresh-config-drive")
        self.assertEqual({disk["name"]: disk["how"] for disk in renewed.json["disks"]}["disk.config"], "made", renewed.err)
        self.assertEqual(self.meta_data(path)["meta"], {"role": "new"})


class OnItsOwn(Story):
    """basecache config-drive, with no daemon and no image."""

    def build(self, *arguments):
        self.output = self.scratch / "drive"
        return self.cli("config-drive", "build", "--output", self.output, *arguments)

    def shown(self, *arguments) -> bytes:
        done = subprocess.run([CLI, "config-drive", "show", self.output, *arguments], capture_output=True,
                              env=self.environment(), check=True)
        return done.stdout

    def test_a_drive_is_made_of_options_and_read_back(self):
        packed = self.scratch / "user_data.gz"
        packed.write_bytes(gzip.compress(USER_DATA))
        for drive_format in ("iso9660", "vfat"):
            with self.subTest(drive_format):
                made = self.build("--instance", new_uuid(), "--format", drive_format, "--hostname", "web-1",
                                  "--user-data", packed, "--metadata", "role=web")
                self.assertEqual(made.code, 0, made.err)
                self.assertEqual(self.output.stat().st_mode & 0o777, 0o600)
                self.assertEqual(self.shown("--file", "openstack/latest/user_data"), packed.read_bytes())
                meta = json.loads(self.shown("--file", "openstack/latest/meta_data.json"))
                self.assertEqual((meta["hostname"], meta["meta"]), ("web-1.novalocal", {"role": "web"}))
                listed = self.cli("--json", "config-drive", "show", self.output).json
                self.assertEqual((listed["format"], listed["label"]), (drive_format, "config-2"))
                sizes = {entry["path"]: entry["size"] for entry in listed["files"]}
                self.assertEqual(sizes["openstack/latest/user_data"], packed.stat().st_size)
                self.output.unlink()
        self.assertEqual(sorted(path.name for path in self.scratch.iterdir() if "part" in path.name), [])

    def test_a_drive_is_made_of_a_request_and_shown_without_what_is_secret(self):
        spec = self.scratch / "spec.json"
        spec.write_text(json.dumps({"uuid": new_uuid(), "admin_pass": "Tr0ub4dor-and-3", "name": "web 1",
                                    "injected_files": [{"path": "/etc/motd", "contents": "d2VsY29tZQo="}]}))
        made = self.build("--spec", spec)
        self.assertEqual(made.code, 0, made.err)
        for answer in (made, self.cli("config-drive", "show", self.output),
                       self.cli("--json", "config-drive", "show", self.output)):
            self.assertIn("openstack/latest/meta_data.json", answer.out)
            self.assertNotIn("Tr0ub4dor", answer.out + answer.err)
        self.assertEqual(self.shown("--file", "openstack/content/0000"), b"welcome\n")

    def test_a_request_with_a_data_volume_or_of_a_drive_made_anew_needs_no_image(self):
        spec = self.scratch / "spec.json"
        for fields in ({"block_device_info": {"block_device_mapping": [{"mount_device": "/dev/vdc", "boot_index": -1}]}},
                       {"refresh_config_drive": True, "image_ref": "file:///image"}):
            spec.write_text(json.dumps({"uuid": new_uuid(), **fields}))
            made = self.build("--spec", spec)
            self.assertEqual(made.code, 0, made.err)
            self.output.unlink()

    def test_the_images_properties_are_heeded(self):
        spec = self.scratch / "spec.json"
        spec.write_text(json.dumps({"uuid": new_uuid(), "image_ref": "file:///image",
                                    "image_meta": {"properties": {"root_device_name": "/dev/sdq"}}}))
        made = self.build("--spec", spec)
        self.assertEqual(made.code, 0, made.err)
        mapping = json.loads(self.shown("--file", "ec2/latest/meta-data.json"))["block-device-mapping"]
        self.assertEqual(mapping["root"], "/dev/sdq")

    def test_what_cannot_be_made_is_refused_and_leaves_nothing(self):
        for arguments, words in (((), "no instance is named"),
                                 (("--instance", "nobody"), "not a UUID"),
                                 (("--instance", new_uuid(), "--format", "udf"), "neither iso9660 nor vfat"),
                                 (("--instance", new_uuid(), "--user-data", self.scratch / "missing"), "there is no file")):
            refused = self.build(*arguments)
            self.assertNotEqual(refused.code, 0)
            self.assertIn(words, refused.err)
            self.assertFalse(self.output.exists())
        self.output.write_text("somebody's")
        refused = self.build("--instance", new_uuid())
        self.assertNotEqual(refused.code, 0)
        self.assertIn("is there already", refused.err)
        self.assertEqual(self.output.read_text(), "somebody's")
        self.assertEqual([path.name for path in self.scratch.iterdir() if "part" in path.name], [])

    def test_what_is_no_drive_or_not_on_it_is_told(self):
        missing = self.cli("config-drive", "show", self.scratch / "missing")
        self.assertIn("there is no file", missing.err)
        (self.scratch / "text").write_text("no drive" * 10000)
        wrong = self.cli("config-drive", "show", self.scratch / "text")
        self.assertIn("neither iso9660 nor vfat", wrong.err)
        self.assertEqual(self.build("--instance", new_uuid()).code, 0)
        unknown = self.cli("config-drive", "show", self.output, "--file", "openstack/latest/nothing")
        self.assertIn("there is no file", unknown.err)
        directory = self.cli("config-drive", "show", self.scratch)
        self.assertIn("neither a file nor a block device", directory.err)
        for refused in (missing, wrong, unknown, directory):
            self.assertNotEqual(refused.code, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
