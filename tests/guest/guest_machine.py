"""A guest whose disks are an instance's, until it turns itself off."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import emulated_machine

SECONDS = 420  # until a guest is taken for one that hangs; a start takes one to two minutes, three where the cores are busy
MEMORY = "768M"
REPORT = "BASECACHE-REPORT "  # before a line of JSON on the console
# All of them, so that the guest's own root needs none: buses and disks, the network, the file systems of a config drive with
# what they need for names.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ata_piix", "sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii",
           "nls_utf8")

# The kernel hands "devices" of its command line on. cloud-init looks for a config drive once, in the first second: what is
# still being looked for then doesn't exist.
NEXT_STEPS = """for device in $(echo "$devices" | tr , ' '); do
  tries=300
  until [ -b "$device" ] || [ $tries -eq 0 ]; do tries=$((tries - 1)); sleep 0.1; done
  [ -b "$device" ] || { echo "there is no $device"; poweroff -f; }
done
mount -t ext4 /dev/vda1 /root || { echo "there is no root file system"; poweroff -f; }
for place in proc sys dev; do mount --move /$place /root/$place; done
exec switch_root /root /sbin/init
"""


class Drive(NamedTuple):
    path: str
    format: str  # QEMU's word for it
    cdrom: bool = False

    def arguments(self, name: str) -> list[str]:
        # The cloud kernel has no AHCI.
        device = "ide-cd,bus=ide.0" if self.cdrom else "virtio-blk-pci"
        options = "readonly=on,media=cdrom" if self.cdrom else "discard=unmap"
        return ["-drive", f"if=none,id={name},file={self.path},format={self.format},cache=unsafe,{options}",
                "-device", f"{device},drive={name}"]


def device_names(drives: list[Drive]) -> list[str]:
    """As the guest has them."""
    letters = iter("abcdefgh")
    return ["/dev/sr0" if drive.cdrom else f"/dev/vd{next(letters)}" for drive in drives]


def make_ramdisk(scratch: Path, kernel: Path) -> Path:
    return emulated_machine.make_first_root(scratch, kernel, MODULES, NEXT_STEPS)


def run(scratch: Path, kernel: str, ramdisk: str, drives: list[Drive], mac: str) -> str:
    """What the guest said on its serial port until it ended. It is on no network."""
    console = scratch / "console.log"
    devices = ",".join(device_names(drives))
    arguments = [*emulated_machine.ARGUMENTS, "-m", MEMORY, "-serial", f"file:{console}", "-kernel", kernel, "-initrd", ramdisk,
                 "-append", f"{emulated_machine.KERNEL_ARGUMENTS} rw systemd.show_status=0 devices={devices}",
                 "-netdev", "user,id=net,restrict=on,ipv6=off", "-device", f"virtio-net-pci,netdev=net,mac={mac}"]
    for index, drive in enumerate(drives):
        arguments += drive.arguments(f"drive{index}")
    with open(scratch / "qemu.log", "wb") as log:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    with emulated_machine.ended(process) as qemu:
        try:
            code = qemu.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the guest didn't end within {SECONDS} s\n{ends(scratch)}") from None
    if code != 0:
        raise AssertionError(f"QEMU ended with {code}\n{ends(scratch)}")
    return console.read_text(errors="replace")


def report_of(console: str) -> dict:
    """What guest_report.py told. It tells it several times, since the kernel may write into a line of it."""
    for line in console.splitlines():
        try:
            if line.startswith(REPORT):
                return json.loads(line.removeprefix(REPORT))
        except json.JSONDecodeError:
            pass  # perhaps the next one
    raise AssertionError(f"the guest ended without a report\n{console[-6000:]}")


def ends(scratch: Path) -> str:
    """What may tell why."""
    texts = {name: (scratch / name).read_text(errors="replace")[-6000:] for name in ("console.log", "qemu.log") if (scratch / name).exists()}
    return "\n".join(f"== {name}\n{text.strip()}" for name, text in texts.items())
