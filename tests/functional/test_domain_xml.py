"""An instance's domain: what image and flavor say of it, as libvirt's own schema takes it."""

import json
import shutil
import unittest
import xml.etree.ElementTree as ET

import images
from harness import creation, new_uuid, tool
from image_story import ImageStory

ELEMENT = "{https://basecache.dev/xmlns/instance/1}instance"
ALL = {"hw_machine_type": "q35", "hw_firmware_type": "uefi", "hw_qemu_guest_agent": "yes", "hw_watchdog_action": "reset",
       "hw_video_model": "virtio", "hw_boot_menu": "true", "hw_serial_port_count": "2", "hw_cpu_cores": "2",
       "hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi", "hw_cdrom_bus": "sata", "hw_rng_model": "virtio",
       "hw_time_hpet": "true", "hw_pmu": "false", "img_hide_hypervisor_id": "true"}
QUOTAS = {"quota:disk_read_bytes_sec": "1048576", "quota:disk_write_iops_sec": "100", "quota:cpu_shares": "512",
          "quota:cpu_period": "10000", "quota:cpu_quota": "-1", "hw_rng:rate_bytes": "1024", "hw_rng:rate_period": "100",
          "somebody:else": "carried"}
# What, properties, extra specs, what else is asked for.
MANY = [
    ("nothing", {}, {}, {}),
    ("everything", ALL, QUOTAS, {"config_drive": True, "flavor": {"ephemeral_gb": 1, "swap": 16, "vcpus": 4}}),
    ("everything for Windows", ALL, {}, {"os_type": "windows"}),
    ("quotas alone", {}, QUOTAS, {"config_drive": True}),
    ("a secure boot", {"hw_machine_type": "q35", "hw_firmware_type": "uefi", "os_secure_boot": "required"}, {}, {}),
    ("another architecture", {"hw_architecture": "aarch64"}, {}, {}),
    ("an older one", {"hw_architecture": "i686"}, {}, {"os_type": "windows"}),
    ("ppc64le", {"hw_architecture": "ppc64le"}, {}, {}),
    ("pinned processors", {"hw_cpu_policy": "dedicated"}, {}, {}),
    ("no randomness", {}, {"hw_rng:allowed": "false"}, {}),
    ("the flavor's own", {}, {"hw:boot_menu": "yes", "hw:watchdog_action": "pause", "hw:serial_port_count": "4",
                              "hw:cpu_threads": "2", "hw:pmu": "true", "hw:hide_hypervisor_id": "true"},
     {"flavor": {"vcpus": 8}}),
] + [(f"disks on {bus}", {"hw_disk_bus": bus}, {}, {"config_drive": True}) for bus in ("virtio", "scsi", "sata", "usb", "ide")
] + [(f"a video of {model}", {"hw_video_model": model}, {}, {}) for model in ("vga", "cirrus", "qxl", "none", "bochs")
] + [(f"a SCSI of {model}", {"hw_disk_bus": "scsi", "hw_scsi_model": model}, {}, {}) for model in ("lsilogic", "lsisas1068", "buslogic")]


class DomainXml(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.image = self.file_url(images.qcow2())
        self.uuid = new_uuid()

    def request(self, properties: dict, specs: dict, fields: dict, **meta) -> dict:
        flavor = {"extra_specs": specs, **fields.get("flavor", {})}
        return creation(self.image, **{"root_gb": 1, "image_meta": {"properties": properties, **meta}, **fields,
                                       "flavor": flavor})

    def text(self) -> str:
        return (self.instances_path / self.uuid / "libvirt.xml").read_text()

    def validated(self, text: str) -> ET.Element:
        for program in ("virt-xml-validate", "xmllint"):
            if not shutil.which(program):
                self.skipTest(f"no {program}: tools/install-packages.sh test")
        file = self.scratch / "domain.xml"
        file.write_text(text)
        tool("virt-xml-validate", file, "domain")
        return ET.fromstring(text)

    def test_every_combination_is_a_domain_for_libvirt_and_the_plan_is_what_is_made(self):
        for virt_type in ("kvm", "qemu"):
            daemon, client = self.daemon(self.config(libvirt={"virt_type": virt_type}))
            for what, properties, specs, fields in MANY:
                with self.subTest(what, virt_type=virt_type):
                    self.uuid = new_uuid()
                    request = self.request(properties, specs, fields)
                    planned = client.request("POST", f"/v1/instances/{self.uuid}/domain", request)
                    self.assertEqual(planned.status, 200, planned.body)
                    self.assertFalse((self.instances_path / self.uuid).exists(), "nothing is made")
                    self.assert_created(client.create(self.uuid, request))
                    self.validated(self.text())
                    self.assertEqual(planned.body["domain"], self.text())
                    shown = client.get(f"/v1/instances/{self.uuid}/domain")
                    self.assertEqual(shown.body, {"uuid": self.uuid, "domain": self.text()})
            daemon.close()

    def test_it_says_what_the_image_asks_for(self):
        _, client = self.daemon()
        self.assert_created(client.create(self.uuid, self.request(ALL, QUOTAS, {"flavor": {"vcpus": 4, "swap": 16}})))
        domain = self.validated(self.text())
        self.assertEqual([disk.find("target").get("bus") for disk in domain.iter("disk")], ["scsi", "scsi"])
        self.assertEqual([disk.find("address").get("unit") for disk in domain.iter("disk")], ["0", "1"])
        self.assertEqual([disk.findtext("iotune/read_bytes_sec") for disk in domain.iter("disk")], ["1048576"] * 2)
        self.assertEqual(domain.find("os").get("firmware"), "efi")
        self.assertEqual(domain.find("os/firmware/feature").attrib, {"enabled": "no", "name": "secure-boot"})
        self.assertEqual(domain.find("os/type").get("machine"), "q35")
        self.assertEqual(domain.find("cpu/topology").attrib, {"sockets": "2", "cores": "2", "threads": "1"})
        self.assertEqual(domain.find("devices/channel/target").get("name"), "org.qemu.guest_agent.0")
        self.assertEqual([port.find("log") is not None for port in domain.iterfind("devices/serial")], [True, False])
        self.assertEqual(domain.findtext("cputune/shares"), "512")
        self.assertEqual(domain.find("devices/watchdog").get("action"), "reset")
        self.assertEqual(domain.find("devices/controller[@type='scsi']").get("model"), "virtio-scsi")

    def test_what_can_t_be_is_refused_before_anything_is_fetched(self):
        _, client = self.daemon()
        for properties, specs, what in (
                ({"hw_cpu_max_cores": "1", "hw_cpu_max_sockets": "1", "hw_cpu_max_threads": "1"}, {}, "hw_cpu_max_sockets"),
                ({"hw_serial_port_count": "3"}, {"hw:serial_port_count": "2"}, "hw_serial_port_count"),
                ({"hw_pmu": "true"}, {"hw:pmu": "false"}, "hw_pmu"),
                ({"hw_firmware_type": "uefi", "os_secure_boot": "required"}, {}, "os_secure_boot"),
                ({}, {"quota:disk_read_bytes_sec": "much"}, "flavor.extra_specs.quota:disk_read_bytes_sec"),
                ({}, {"hw:watchdog_action": "bark"}, "flavor.extra_specs.hw:watchdog_action")):
            with self.subTest(what):
                answer = client.create(self.uuid, self.request(properties, specs, {"flavor": {"vcpus": 3}}))
                self.assert_problem(answer, 400, "invalid_request", what)
                self.assertEqual(self.visible_base_files(), [])
                self.assertFalse((self.instances_path / self.uuid).exists())

    def test_it_holds_the_request_by_which_it_was_made(self):
        _, client = self.daemon()
        request = self.request({"hw_disk_bus": "sata"}, {}, {"metadata": {"<&>": "]]>"}, "config_drive": True,
                                                             "refresh_config_drive": True})
        self.assert_created(client.create(self.uuid, request))
        kept = json.loads(self.validated(self.text()).findtext(f"metadata/{ELEMENT}"))
        del request["refresh_config_drive"]
        self.assertEqual(kept, request)
        self.assert_created(client.create(self.uuid, kept))

    def test_secrets_are_in_no_domain(self):
        _, client = self.daemon()
        for secret in ({"admin_pass": "s3cr3t"}, {"user_data": "czNjcjN0"}, {"vendor_data": {"otp": "s3cr3t"}},
                       {"injected_files": [{"path": "/x", "contents": "czNjcjN0"}]}):
            with self.subTest(next(iter(secret))):
                self.uuid = new_uuid()
                request = self.request({}, {}, {"config_drive": True, **secret})
                planned = client.request("POST", f"/v1/instances/{self.uuid}/domain", request)
                self.assert_created(client.create(self.uuid, request))
                for text in (planned.body["domain"], self.text()):
                    element = self.validated(text).find(f"metadata/{ELEMENT}")
                    self.assertIsNone(element.text)
                    self.assertNotIn("s3cr3t", text)
                    self.assertNotIn("czNjcjN0", text)

    def test_what_was_made_with_secrets_is_never_made_again_without_them(self):
        _, client = self.daemon()
        self.assert_created(client.create(self.uuid, self.request({}, {}, {"user_data": "czNjcjN0"})))
        self.assert_created(client.create(self.uuid, self.request({}, {}, {"flavor": {"swap": 16}})))
        domain = self.validated(self.text())
        self.assertEqual(len(list(domain.iter("disk"))), 2)
        self.assertIsNone(domain.find(f"metadata/{ELEMENT}").text)

    def test_an_iso_is_booted_from_an_optical_drive(self):
        tree = self.scratch / "tree"
        tree.mkdir()
        (tree / "file").write_text("content")
        if not shutil.which("xorriso"):
            self.skipTest("no xorriso: tools/install-packages.sh test")
        tool("xorriso", "-as", "mkisofs", "-o", self.scratch / "boot.iso", tree)
        self.image = self.file_url(self.scratch / "boot.iso")
        _, client = self.daemon()
        request = self.request({}, {}, {"config_drive": True, "flavor": {"swap": 16}}, disk_format="iso")
        self.assert_created(client.create(self.uuid, request))
        disks = [(disk.find("target").get("dev"), disk.find("target").get("bus"), disk.get("device"),
                  disk.find("boot") is not None) for disk in self.validated(self.text()).iter("disk")]
        self.assertEqual(disks, [("hda", "ide", "cdrom", True), ("vda", "virtio", "disk", False),
                                 ("hdb", "ide", "cdrom", False)])

    def test_an_instance_without_a_domain_is_told_of(self):
        _, client = self.daemon()
        self.assert_problem(client.get(f"/v1/instances/{self.uuid}/domain"), 404, "not_found", self.uuid)
        self.assert_created(client.create(self.uuid, self.request({}, {}, {})))
        self.assert_problem(client.get(f"/v1/instances/{self.uuid}/domain?suffix=.rescue"), 404, "not_found", "rescue")
        self.assertEqual(client.get(f"/v1/instances/{self.uuid}/domain?suffix=/../x").status, 400)

    def test_a_format_that_only_the_image_tells_is_asked_for(self):
        _, client = self.daemon(self.config(DEFAULT={"force_raw_images": "false"}, libvirt={"images_type": "raw"}))
        planned = client.request("POST", f"/v1/instances/{self.uuid}/domain", creation(self.image, root_gb=1))
        self.assert_problem(planned, 400, "invalid_request", "can't be told before its image is here", "precache")
        told = self.request({}, {}, {}, disk_format="qcow2")
        planned = client.request("POST", f"/v1/instances/{self.uuid}/domain", told)
        self.assertIn('type="qcow2"', planned.body["domain"])

    def test_the_command_line_shows_what_is_there_and_what_will_be(self):
        options = ("--instance", self.uuid, "--image", self.image, "--root-gb", "1")
        planned = self.cli("--standalone", "domain-xml", *options)
        self.assertEqual(planned.code, 0, planned.err)
        self.validated(planned.out)
        self.assertFalse((self.instances_path / self.uuid).exists())
        self.assertEqual(self.cli("--standalone", "create", *options).code, 0)
        shown = self.cli("--standalone", "domain-xml", self.uuid)
        self.assertEqual([shown.out, shown.out], [planned.out, self.text()])
        self.assertEqual(self.cli("--standalone", "--json", "domain-xml", self.uuid).json["domain"], shown.out)
        both = self.cli("--standalone", "domain-xml", self.uuid, *options)
        self.assertEqual(both.code, 2, both.err)
        self.assertIn("name one instance", both.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
