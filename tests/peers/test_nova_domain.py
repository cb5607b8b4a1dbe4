"""An instance's domain, as Nova's own LibvirtDriver._get_guest_config makes it and as the agent does.

Each row is a creation request. Nova is run once for all of them, in a process of its own (nova_domain.py); the agent tells
the domain of each without making it. Compared is every element with all that is in it, disks by their targets and in their
order, but what differs on purpose (DIFFERENT, TOLD_BY_ONE, _is_left_out); who refuses, and what is to blame, is in REFUSED.
Skips where python3-nova isn't installed.
"""

import json
import subprocess
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import images
from harness import ROOT, creation, new_uuid
from image_story import ImageStory

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("nova_domain.py")
PATIENCE = 300

QUOTAS = {f"quota:disk_{what}_sec": str(number) for number, what in enumerate(
    ("read_bytes", "read_iops", "write_bytes", "write_iops"), 1000)}
SECURE = {"hw_machine_type": "q35", "hw_firmware_type": "uefi", "os_secure_boot": "required"}


class Row(NamedTuple):
    what: str
    properties: dict = {}
    specs: dict = {}
    vcpus: int = 1
    os_type: str = "linux"
    flavor: dict = {}
    more: dict = {}  # of the request
    disk_format: str = "qcow2"

    def request(self, image: str) -> dict:
        flavor = {"vcpus": self.vcpus, "memory_mb": 512, "extra_specs": self.specs, **self.flavor}
        image_meta = {"disk_format": self.disk_format, "properties": self.properties}
        return creation(image, root_gb=1, os_type=self.os_type, config_drive=True, image_meta=image_meta, flavor=flavor, **self.more)

    @property
    def arch(self) -> str:
        return self.properties.get("hw_emulation_architecture", self.properties.get("hw_architecture", "x86_64"))

    @property
    def has_ports(self) -> bool:
        return any(name.endswith("serial_port_count") for name in (*self.properties, *self.specs))


ALL = {"ephemeral_gb": 1, "swap": 64}
KERNEL = {"kernel_id": new_uuid()}
BOOT_FILES = {**KERNEL, "ramdisk_id": new_uuid()}
TWO_EPHEMERALS = {"block_device_info": {"ephemerals": [{"size": 1}, {"size": 1}]}}
EMULATED = {  # nova/virt/libvirt/driver.py, _check_emulation_arch, says what goes together
    "aarch64": {"hw_firmware_type": "uefi", "hw_machine_type": "virt"}, "ppc64le": {"hw_machine_type": "pseries"}}

ROWS = [Row(*row) for row in [
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
         (8, {"cores": 4}, {"max_cores": 2}), (12, {"threads": 3}, {}), (16, {"max_sockets": 4}, {"cores": 8}))
]] + [
    Row("an odd memory", flavor={"memory_mb": 777}),
    Row("an ISO", disk_format="iso"),
    Row("an ISO, ephemeral and swap", {}, QUOTAS, flavor=ALL, disk_format="iso"),
    Row("an ISO on q35", {"hw_machine_type": "q35"}, flavor=ALL, disk_format="iso"),
    Row("an ISO on SATA", {"hw_cdrom_bus": "sata", "hw_disk_bus": "sata"}, flavor=ALL, disk_format="iso"),
    Row("an ISO on SCSI", {"hw_cdrom_bus": "scsi", "hw_scsi_model": "virtio-scsi"}, flavor=ALL, disk_format="iso"),
    Row("a kernel", more=KERNEL),
    Row("a kernel with its ramdisk", more=BOOT_FILES, flavor=ALL),
    Row("a kernel and its words", {"os_command_line": "root=LABEL=a quiet"}, more=BOOT_FILES),
    Row("a kernel's words without it", {"os_command_line": "root=LABEL=a quiet"}),
    Row("a kernel, disks on SCSI", {"hw_disk_bus": "scsi"}, more=KERNEL),
    Row("ephemeral and swap", {}, QUOTAS, flavor=ALL),
    Row("swap alone", flavor={"swap": 64}),
    Row("two ephemerals and swap", flavor=ALL, more=TWO_EPHEMERALS),
    *(Row(f"two ephemerals and swap on {bus}", {"hw_disk_bus": bus, "hw_scsi_model": "virtio-scsi"}, flavor=ALL, more=TWO_EPHEMERALS)
      for bus in ("scsi", "sata", "usb", "ide")),
    *(Row(" of ".join(filter(None, (image and f"{image} ports", flavor and f"a flavor's {flavor}"))),
          {"hw_serial_port_count": image} if image else {}, {"hw:serial_port_count": flavor} if flavor else {})
      for image, flavor in (("1", ""), ("3", ""), ("4", ""), ("", "2"), ("2", "4"), ("4", "4"), ("4", "2"), ("0", "2"), ("5", ""))),
    *(Row(f"{arch}, emulated", {"hw_emulation_architecture": arch, **more}) for arch, more in EMULATED.items()),
    *(Row(f"{arch}, emulated before x86_64", {"hw_architecture": "x86_64", "hw_emulation_architecture": arch, **more})
      for arch, more in EMULATED.items()),
    Row("aarch64, emulated by whatever machine", {"hw_emulation_architecture": "aarch64"}),
    Row("a TPM", {"hw_tpm_version": "2.0", "hw_tpm_model": "tpm-crb"}),
    Row("a flavor's TPM", {}, {"hw:tpm_version": "2.0"}),
    Row("encrypted memory", {"hw_mem_encryption": "true"}),
    Row("a flavor's encrypted memory", {}, {"hw:mem_encryption": "true"}),
    Row("a firmware that is none", {"hw_firmware_type": "none"}),
    Row("a watchdog that barks", {"hw_watchdog_action": "bark"}),
    Row("a bus that is none", {"hw_disk_bus": "bus"}),
]

# Elements that are ours or Nova's alone, each with its reason.
DIFFERENT = {
    "name": "Nova's template of it is a number of its database", "uuid": "another each time",
    "metadata": "each has its own",
    "os/boot": "libvirt is told which disk is booted, not which kind of disks: Domain.booted", "devices/disk/boot": "the same",
    "devices/disk/readonly": "libvirt has it of every optical drive anyway",
    "os/loader": "the node's libvirt chooses the firmware", "os/nvram": "the same", "os/firmware": "the same",
    "os/firmware/feature": "the same",
    "devices/graphics": "nobody asked for an open VNC, and [vnc] is no option of ours",
    "features/smm": "libvirt's own, where it chooses a firmware that needs it",
    "features/hyperv/evmcs": "no processor of AMD has it (LP 2009280)",
    "sysinfo/system/entry[version]": "Nova's own version",
}


TOLD_BY_ONE = {("cpu", "match"): "exact, which is libvirt's own default", ("os", "firmware"): "the node's libvirt chooses it",
                ("devices/serial/log", "append"): "Nova's log is cut by virtlogd"}
OPENED = ("", "os", "features", "clock", "devices")  # what is in them is compared one by one
UNITS = {"KiB": 1, "MiB": 1024}

# What Nova refuses these rows by, and what we blame. Nothing: not refused.
REFUSED = {
    "two minds of a secure boot": ("FlavorImageConflict", "os_secure_boot"),
    "a secure boot without q35": ("SecureBootNotSupported", "os_secure_boot"),
    "two minds of counters": ("FlavorImageConflict", "hw_pmu"),
    "7 processors, image {'max_sockets': 2, 'max_cores': 3, 'max_threads': 1}, flavor {}":
        ("ImageVCPULimitsRangeImpossible", "hw_cpu_max_sockets, hw_cpu_max_cores, hw_cpu_max_threads"),
    "8 processors, image {'max_cores': 4}, flavor {'max_cores': 2}":
        ("ImageVCPULimitsRangeExceeded", "hw_cpu_max_sockets, hw_cpu_max_cores, hw_cpu_max_threads"),
    "8 processors, image {'cores': 4}, flavor {'max_cores': 2}":
        ("ImageVCPUTopologyRangeExceeded", "hw_cpu_sockets, hw_cpu_cores, hw_cpu_threads"),
    "two ephemerals and swap on ide": ("TooManyDiskDevices", "block_device_info"),
    "4 ports of a flavor's 2": ("ImageSerialPortNumberExceedFlavorValue", "hw_serial_port_count"),
    "5 ports": ("SerialPortNumberLimitExceeded", "hw_serial_port_count"),
    "a firmware that is none": ("ValueError", "hw_firmware_type"),
    "a watchdog that barks": ("ValueError", "hw_watchdog_action"),
    "a bus that is none": ("ValueError", "hw_disk_bus"),
    # QEMU takes four; Nova keeps one for a pty that it doesn't make beside them.
    "4 ports": ("SerialPortNumberLimitExceeded", None), "4 ports of a flavor's 4": ("SerialPortNumberLimitExceeded", None),
    # Nova has a secret in Barbican for it, and firmware that encrypts; a guest that asks for one must not run without.
    "a TPM": (None, "hw_tpm_version"), "a flavor's TPM": (None, "hw:tpm_version"),
    "encrypted memory": (None, "hw_mem_encryption"),
    "a flavor's encrypted memory": (None, "hw:mem_encryption"),
}


class Domain:
    """A domain's XML, ready to be compared."""

    def __init__(self, text: str, row: Row, virt_type: str):
        self.root, self._row, self._virt_type = ET.fromstring(text), row, virt_type
        self._own = (self.root.findtext("uuid"), self.root.findtext("name"))
        found = list(self._elements(self.root, ""))
        self.elements = sorted(line for path, _, line in found if path != "devices/disk")
        self.disks = [(element.find("target").get("dev"), line) for path, element, line in found if path == "devices/disk"]

    def _elements(self, parent: ET.Element, path: str):
        """The path, the element and all that is in it as a line."""
        if path not in ("features", "devices"):  # which say nothing themselves
            yield path, parent, f"{path or 'domain'} {self._attributes(parent, path)}"
        for child in parent:
            here = f"{path}/{child.tag}".lstrip("/")
            if self._is_left_out(child, here):
                continue
            if here in OPENED:
                yield from self._elements(child, here)
            else:
                yield here, child, self._line(child, here)

    def _line(self, element: ET.Element, path: str) -> str:
        inner = sorted(self._line(child, f"{path}/{child.tag}") for child in element
                       if not self._is_left_out(child, f"{path}/{child.tag}"))
        text = self._plain(element.text)
        if path == "memory":
            text = str(int(text) * UNITS[element.get("unit", "KiB")])
        return f"{path} {self._attributes(element, path)} {text} {inner}"

    def _attributes(self, element: ET.Element, path: str) -> list:
        skipped = {*TOLD_BY_ONE, ("memory", "unit")}
        if self._row.has_ports:
            skipped.add(("devices/serial", "type"))  # as its source
        if "hw_emulation_architecture" in self._row.properties and "hw_machine_type" not in self._row.properties:
            skipped.add(("os/type", "machine"))  # Nova takes the node's, which no such processor fits
        return sorted((key, self._plain(value)) for key, value in element.attrib.items() if (path, key) not in skipped)

    def _plain(self, value: str | None) -> str:
        """Places by their last names."""
        value = (value or "").strip()
        for name in self._own:
            value = value.replace(name, "UUID")
        return Path(value).name if value.startswith("/") and "instances" in value else value

    def _is_left_out(self, element: ET.Element, path: str) -> bool:
        """What one of them has alone, on purpose."""
        row, arch = self._row, self._row.arch
        if path in DIFFERENT or f"{path}[{element.get('name')}]" in DIFFERENT:
            return True
        if path == "devices/video" and "hw_video_model" not in row.properties:
            return True  # goes with the graphics
        if arch == "aarch64" and (path == "devices/input" or (path, element.get("type")) == ("devices/controller", "usb")):
            return True  # the same: its keyboard
        if row.has_ports and path in ("devices/serial/source", "devices/serial/protocol", "devices/serial/target"):
            return True  # theirs are sockets for the proxy of [serial_console], in their order; ours are numbered
        if path == "clock/timer" and arch != "x86_64":
            return True  # KVM's, which doesn't run it
        if path == "features/hyperv" and (self._virt_type == "qemu" or arch != "x86_64"):
            return True  # QEMU without KVM has none of them
        if arch == "ppc64le" and path == "features/acpi":
            return True  # it has none
        return arch in ("aarch64", "ppc64le") and path == "features/apic"  # a PC's

    @property
    def firmware(self) -> tuple:
        """Whether there is one of UEFI, and for a secure boot."""
        loader, feature = self.root.find("os/loader"), self.root.find("os/firmware/feature")
        if loader is not None:
            return True, loader.get("secure")
        return (False, None) if feature is None else (True, feature.get("enabled"))

    @property
    def booted(self) -> str | None:
        """The kind of disk that is booted: by its own number, or by the kind that comes first."""
        kind = self.root.find("os/boot")
        if kind is not None:
            return {"hd": "disk", "cdrom": "cdrom"}[kind.get("dev")]
        return next((disk.get("device") for disk in self.root.iter("disk") if disk.find("boot") is not None), None)


class NovaDomain(ImageStory):
    maxDiff = None

    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import nova.virt.libvirt.driver"], capture_output=True).returncode != 0:
            self.skipTest("python3-nova isn't installed: tools/install-packages.sh peers")
        self.image = self.file_url(images.qcow2())

    def by_nova(self, virt_type: str) -> list[dict]:
        state = self.scratch / f"nova-{virt_type}"
        state.mkdir()
        environment = self.environment(HOME="/dev/null", PYTHONPATH=str(ROOT / "tests" / "bench"))
        done = subprocess.run([PYTHON, PROGRAM, state, virt_type], env=environment, text=True, capture_output=True,
                              input=json.dumps([row.request(self.image) for row in ROWS]), timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_same(self, ours: Domain, theirs: Domain) -> None:
        self.assertEqual([target for target, _ in ours.disks], [target for target, _ in theirs.disks])
        for (target, own), (_, other) in zip(ours.disks, theirs.disks, strict=True):
            self.assertEqual(own, other, target)
        self.assertEqual(ours.elements, theirs.elements)
        self.assertEqual((ours.firmware, ours.booted), (theirs.firmware, theirs.booted))

    def assert_told(self, answer, blamed: str | None) -> None:
        self.assertEqual(answer.status, 200 if blamed is None else 400, answer.body)
        if blamed is not None:
            fields = answer.body["fields"]
            self.assertEqual(fields.get("property", fields.get("field")), blamed, answer.body)

    def test_what_nova_makes_is_what_we_make(self):
        self.assertLessEqual(set(REFUSED), {row.what for row in ROWS})
        for virt_type in ("kvm", "qemu"):
            daemon, client = self.daemon(self.config(libvirt={"virt_type": virt_type}))
            for row, nova in zip(ROWS, self.by_nova(virt_type), strict=True):
                with self.subTest(row.what, virt_type=virt_type):
                    answer = client.request("POST", f"/v1/instances/{new_uuid()}/domain", row.request(self.image))
                    refusal, blamed = REFUSED.get(row.what, (None, None))
                    self.assertEqual(nova.get("refused"), refusal, nova)
                    self.assert_told(answer, blamed)
                    if refusal is None and blamed is None:
                        self.assert_same(*(Domain(text, row, virt_type) for text in (answer.body["domain"], nova["domain"])))
            daemon.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
