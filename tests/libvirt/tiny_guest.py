"""A guest that is up in seconds under QEMU's software emulation: Debian's cloud kernel, a ramdisk whose first program reads the
root disk, counts its starts on it, and says so on the serial port; and the domain that starts it."""

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import emulated_machine

MARKER = "made of the image"
# The bus, disks, and what an optical drive of machine 'pc' needs. The cloud kernel has no AHCI.
MODULES = ("virtio_pci", "virtio_blk", "ata_piix", "sr_mod", "isofs")
STEPS = """tries=100
until [ -b /dev/vda ] || [ $tries -eq 0 ]; do tries=$((tries - 1)); sleep 0.1; done
mount -t ext4 /dev/vda /root || echo "GUEST no root"
starts=$(cat /root/starts 2>/dev/null || echo 0)
starts=$((starts + 1))
echo $starts > /root/starts
marker=$(cat /root/marker)
umount /root
drive=none
if mount -t iso9660 -o ro /dev/sr0 /root 2>/dev/null; then
  drive=$(sed 's/.*"uuid": *"\\([^"]*\\)".*/\\1/' /root/openstack/latest/meta_data.json)
  label=$(dd if=/dev/sr0 bs=1 skip=32808 count=8 2>/dev/null)
fi
echo "GUEST marker='$marker' starts=$starts label='$label' drive=$drive ;"
while true; do sleep 60; done
"""
# On busy cores the kernel takes the emulated timer for a broken one, panics, and with panic=-1 ends its domain some time
# after the start. It isn't to look, and whatever else it panics of stays on the console of a domain that goes on.
ARGUMENTS = f"{emulated_machine.KERNEL_ARGUMENTS} no_timer_check panic=0"
REPORT = re.compile(r"GUEST marker='(?P<marker>[^']*)' starts=(?P<starts>\d+) label='(?P<label>[^']*)' drive=(?P<drive>\S+) ;")


class Report(NamedTuple):
    marker: str
    starts: int
    label: str
    drive: str  # the uuid on the config drive, or "none"


def reports(console: Path) -> list[Report]:
    """One for each start so far."""
    if not console.exists():
        return []
    found = REPORT.finditer(console.read_text(errors="replace"))
    return [Report(one["marker"], int(one["starts"]), one["label"], one["drive"]) for one in found]


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="basecache-tiny-guest."))
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    folder.chmod(0o755)
    return folder


@functools.cache
def kernel() -> Path:
    """Raises Missing."""
    return emulated_machine.newest_kernel("libvirt")


@functools.cache
def ramdisk() -> Path:
    return emulated_machine.make_first_root(_folder(), kernel(), MODULES, STEPS)


@functools.cache
def root_image() -> Path:
    """A qcow2 of a bare ext4 with the marker on it."""
    tree, raw, image = _folder() / "tree", _folder() / "root.raw", _folder() / "root.qcow2"
    tree.mkdir()
    (tree / "marker").write_text(MARKER)
    with open(raw, "wb") as file:
        file.truncate(16 << 20)
    for command in (["mkfs.ext4", "-q", "-F", "-d", tree, raw], ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image]):
        subprocess.run(command, check=True, capture_output=True)
    return image


DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <metadata>{metadata}</metadata>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{ramdisk}</initrd>
    <cmdline>{arguments}</cmdline>
  </os>
  <cpu mode='maximum'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}' cache='writeback'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
{drive}
    <serial type='file'><source path='{console}' append='on'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""
DRIVE = """    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='{path}'/>
      <target dev='hda' bus='ide'/>
      <readonly/>
    </disk>"""


def domain(name: str, uuid: str, folder: Path, metadata: str = "", boot: tuple[Path, Path] | None = None,
           disk: str = "disk", disk_format: str = "qcow2", drive: bool = False) -> str:
    """A domain whose files are the instance's own in its directory; `boot` is another kernel and ramdisk."""
    own_kernel, own_ramdisk = boot or (folder / "kernel", folder / "ramdisk")
    return DOMAIN.format(name=name, uuid=uuid, metadata=metadata, kernel=own_kernel, ramdisk=own_ramdisk, format=disk_format,
                         arguments=ARGUMENTS, disk=folder / disk, console=folder / "console.log",
                         drive=DRIVE.format(path=folder / "disk.config") if drive else "")
