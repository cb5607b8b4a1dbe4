"""An instance's domain, as Nova's own LibvirtDriver._get_guest_config makes it and as the agent does.

Each row is an image and a flavor. Nova is run once for all of them, in a process of its own (nova_domain.py); the agent tells
the domain of each without making it. Compared is every element but those that differ on purpose (DIFFERENT). Skips where
python3-nova isn't installed.
"""

import json
import subprocess
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import images
from harness import ROOT, creation, new_uuid
from image_story import ImageStory

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("nova_domain.py")
PATIENCE = 300

QUOTAS = {f"quota:disk_{what}_sec": str(number) for number, what in enumerate(
    ("read_bytes", "read_iops", "write_bytes", "write_iops"), 1000)}
SECURE = {"hw_machine_type": "q35", "hw_firmware_type": "uefi", "os_secure_boot": "required"}

# What, properties, extra specs, vcpus, os_type.
ROWS = [
    ("nothing", {}, {}, 1, "linux"),
    ("Windows", {}, {}, 2, "windows"),
    ("Windows behind a veil", {"img_hide_hypervisor_id": "true"}, {}, 2, "windows"),
    ("the flavor's veil", {}, {"hw:hide_hypervisor_id": "true"}, 1, "linux"),
    ("an older name of it", {}, {"hide_hypervisor_id": "true"}, 1, "linux"),
    ("q35", {"hw_machine_type": "q35"}, {}, 1, "linux"),
    ("UEFI", {"hw_firmware_type": "uefi"}, {}, 1, "linux"),
    ("BIOS", {"hw_firmware_type": "bios"}, {}, 1, "linux"),
    ("a secure boot", SECURE, {}, 1, "windows"),
    ("the flavor's secure boot", {**SECURE, "os_secure_boot": "required"}, {"os:secure_boot": "required"}, 1, "linux"),
    ("two minds of a secure boot", SECURE, {"os:secure_boot": "disabled"}, 1, "linux"),
    ("a secure boot without q35", {"hw_firmware_type": "uefi", "os_secure_boot": "required"}, {}, 1, "linux"),
    ("a boot menu", {"hw_boot_menu": "true"}, {}, 1, "linux"),
    ("the flavor's boot menu", {}, {"hw:boot_menu": "yes"}, 1, "linux"),
    ("an agent", {"hw_qemu_guest_agent": "yes"}, {}, 1, "linux"),
    ("a watchdog", {"hw_watchdog_action": "reset"}, {"hw:watchdog_action": "pause"}, 1, "linux"),
    ("the flavor's watchdog", {}, {"hw:watchdog_action": "pause"}, 1, "linux"),
    ("no watchdog", {"hw_watchdog_action": "disabled"}, {"hw:watchdog_action": "pause"}, 1, "linux"),
    ("no randomness", {}, {"hw_rng:allowed": "False"}, 1, "linux"),
    ("little randomness", {}, {"hw_rng:rate_bytes": "1024", "hw_rng:rate_period": "1000"}, 1, "linux"),
    ("a timer", {"hw_time_hpet": "true"}, {}, 1, "linux"),
    ("counters", {"hw_pmu": "true"}, {}, 1, "linux"),
    ("no counters", {}, {"hw:pmu": "false"}, 1, "linux"),
    ("two minds of counters", {"hw_pmu": "true"}, {"hw:pmu": "false"}, 1, "linux"),
    ("disk quotas", {}, QUOTAS, 1, "linux"),
    ("disk quotas of both ways", {}, {"quota:disk_total_bytes_sec": "7", "quota:disk_total_iops_sec": "8"}, 1, "linux"),
    ("processor quotas", {}, {"quota:cpu_shares": "9", "quota:cpu_period": "10000", "quota:cpu_quota": "-1"}, 1, "linux"),
    ("memory quotas, which are VMware's", {}, {"quota:memory_limit": "9"}, 1, "linux"),
    ("aarch64", {"hw_architecture": "aarch64"}, {}, 1, "linux"),
    ("aarch64 with BIOS", {"hw_architecture": "aarch64", "hw_firmware_type": "bios"}, {}, 1, "linux"),
    ("i686", {"hw_architecture": "i686"}, {}, 1, "linux"),
    ("ppc64le", {"hw_architecture": "ppc64le"}, {}, 2, "linux"),
] + [(f"disks on {bus}", {"hw_disk_bus": bus}, QUOTAS, 1, "linux") for bus in ("virtio", "scsi", "sata", "usb", "ide")
] + [(f"a SCSI of {model}", {"hw_disk_bus": "scsi", "hw_scsi_model": model}, {}, 1, "linux")
     for model in ("virtio-scsi", "lsilogic", "lsisas1068")
] + [("discs on SCSI too", {"hw_disk_bus": "scsi", "hw_cdrom_bus": "scsi", "hw_scsi_model": "virtio-scsi"}, {}, 1, "linux"),
     ("a SCSI that no disk is on", {"hw_scsi_model": "virtio-scsi"}, {}, 1, "linux"),
] + [(f"a video of {model}", {"hw_video_model": model}, {}, 1, "linux") for model in ("vga", "cirrus", "qxl", "none")
] + [(f"{vcpus} processors, image {image}, flavor {flavor}",
      {f"hw_cpu_{name}": str(count) for name, count in image.items()},
      {f"hw:cpu_{name}": str(count) for name, count in flavor.items()}, vcpus, "linux")
     for vcpus, image, flavor in (
         (8, {"cores": 4}, {}), (8, {"threads": 2}, {}), (8, {"sockets": 1, "threads": 2}, {}), (8, {"sockets": 3}, {}),
         (8, {"max_sockets": 2}, {}), (8, {"max_sockets": 1, "max_cores": 2}, {}), (7, {"max_sockets": 2, "max_cores": 3}, {}),
         (7, {"max_sockets": 2, "max_cores": 3, "max_threads": 1}, {}), (8, {"cores": 2}, {"sockets": 8}),
         (8, {}, {"sockets": 2}), (8, {}, {"sockets": 4, "max_sockets": 2}), (8, {"max_cores": 4}, {"max_cores": 2}),
         (8, {"cores": 4}, {"max_cores": 2}), (12, {"threads": 3}, {}), (16, {"max_sockets": 4}, {"cores": 8}))]

# Elements that are ours or Nova's alone, each with its reason.
DIFFERENT = {
    "name": "Nova's template of it is a number of its database", "uuid": "another each time",
    "memory": "in another unit", "metadata": "each has its own",
    "os/boot": "libvirt is told which disk is booted, not which kind of disks", "devices/disk/boot": "the same",
    "devices/disk/readonly": "libvirt has it of every optical drive anyway",
    "os/loader": "the node's libvirt chooses the firmware", "os/nvram": "the same", "os/firmware": "the same",
    "os/firmware/feature": "the same",
    "devices/graphics": "nobody asked for an open VNC, and [vnc] is no option of ours",
    "features/smm": "libvirt's own, where it chooses a firmware that needs it",
    "features/hyperv/evmcs": "no processor of AMD has it (LP 2009280)",
    "sysinfo/system/entry[version]": "Nova's own version",
}


class NovaDomain(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import nova.virt.libvirt.driver"], capture_output=True).returncode != 0:
            self.skipTest("python3-nova isn't installed: tools/install-packages.sh peers")
        self.image = self.file_url(images.qcow2())

    def by_nova(self, virt_type: str) -> list[str | None]:
        state = self.scratch / f"nova-{virt_type}"
        state.mkdir()
        rows = [[properties, specs, {"vcpus": vcpus}, os_type, {}] for _, properties, specs, vcpus, os_type in ROWS]
        environment = self.environment(HOME="/dev/null", PYTHONPATH=str(ROOT / "tests" / "bench"))
        done = subprocess.run([PYTHON, PROGRAM, state, virt_type], input=json.dumps(rows), env=environment, text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def elements(self, text: str) -> list[str]:
        """Each as its path, attributes and text, but those that differ on purpose; places by their last names."""
        root = ET.fromstring(text)
        own = {root.findtext("uuid"): "UUID", root.findtext("name"): "UUID"}
        found = [f"domain {root.get('type')}"]

        def plain(value: str | None) -> str:
            value = (value or "").strip()
            for name, shown in own.items():
                value = value.replace(name, shown)
            return Path(value).name if value.startswith("/") and "instances" in value else value

        def visit(parent: ET.Element, path: str) -> None:
            for child in parent:
                here = f"{path}/{child.tag}".lstrip("/")
                named = f"{here}[{child.get('name')}]"
                if here in DIFFERENT or named in DIFFERENT:
                    continue
                attributes = {key: plain(value) for key, value in child.attrib.items() if (here, key) not in (
                    ("cpu", "match"),  # exact, which is libvirt's own default
                    ("os", "firmware"), ("devices/serial/log", "append"), ("devices/disk/driver", "cache"))}
                if here == "features":
                    visit(child, here)
                    continue
                found.append(f"{here} {sorted(attributes.items())} {plain(child.text)}")
                visit(child, here)

        visit(root, "")
        return sorted(found)

    @staticmethod
    def left_out(properties: dict, virt_type: str, line: str) -> bool:
        """What Nova has of this row alone, and we leave out on purpose."""
        arch = properties.get("hw_architecture", "x86_64")
        if line.startswith("devices/video") and "hw_video_model" not in properties:
            return True  # goes with the graphics
        if arch == "aarch64" and (line.startswith("devices/input") or "'usb'" in line):
            return True  # the same: its keyboard
        if line.startswith("clock/timer") and arch != "x86_64":
            return True  # KVM's, which doesn't run it
        if line.startswith("features/hyperv") and (virt_type == "qemu" or arch != "x86_64"):
            return True  # QEMU without KVM has none of them
        if arch == "ppc64le" and line.startswith("features/acpi"):
            return True  # it has none
        return arch in ("aarch64", "ppc64le") and line.startswith("features/apic")  # a PC's

    def firmware(self, text: str) -> tuple:
        """Whether there is one of UEFI, and for a secure boot."""
        loader, feature = ET.fromstring(text).find("os/loader"), ET.fromstring(text).find("os/firmware/feature")
        if loader is not None:
            return True, loader.get("secure")
        return (False, None) if feature is None else (True, feature.get("enabled"))

    def test_what_nova_makes_is_what_we_make(self):
        self.assertGreaterEqual(len(ROWS), 50)
        for virt_type in ("kvm", "qemu"):
            daemon, client = self.daemon(self.config(libvirt={"virt_type": virt_type}))
            for (what, properties, specs, vcpus, os_type), nova in zip(ROWS, self.by_nova(virt_type), strict=True):
                with self.subTest(what, virt_type=virt_type):
                    request = creation(self.image, root_gb=1, os_type=os_type, config_drive=True,
                                       image_meta={"properties": properties},
                                       flavor={"vcpus": vcpus, "extra_specs": specs})
                    answer = client.request("POST", f"/v1/instances/{new_uuid()}/domain", request)
                    self.assertEqual(answer.status, 400 if nova is None else 200, answer.body)
                    if nova is None:
                        continue
                    ours, theirs = ([line for line in self.elements(text) if not self.left_out(properties, virt_type, line)]
                                    for text in (answer.body["domain"], nova))
                    self.assertEqual(ours, theirs)
                    self.assertEqual(self.firmware(answer.body["domain"]), self.firmware(nova))
            daemon.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
