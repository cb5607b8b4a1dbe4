"""A story with real LVM: the volume group that lvm_rig.py gives, and what stands in it."""

import contextlib
import json
import os
from pathlib import Path
from typing import Iterator

import disk_checks
import images
import service_unit
from harness import KIB, MIB, Daemon, new_uuid
from image_story import ImageStory
from socket_client import Client

STRANGERS = b"another tenant's" * 256  # 4 KiB of what somebody else's volume held
STRANGERS_AT = 64 * KIB  # of each MiB
POOL = "pool"


class LvmStory(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        disk_checks.run("modprobe", "-a", *service_unit.modules(service_unit.WITH_LVM))
        self.group = os.environ["BASECACHE_TEST_VOLUME_GROUP"]
        self.addCleanup(self.remove_volumes)
        self.image = self.file_url(images.raw())
        self.keys = self.scratch / "keys"
        self.keys.mkdir()

    def node(self, libvirt: dict | None = None, path: str | None = None, **sections: dict) -> tuple[Daemon, Client]:
        """A daemon whose disks are volumes of the group, in place of the one before, with what its unit lets it do."""
        for before in self.daemons:
            before.stop()
        may = service_unit.with_capabilities(service_unit.capabilities(service_unit.WITH_LVM))
        lvm = {"images_type": "lvm", "images_volume_group": self.group, "volume_clear": "none", **(libvirt or {})}
        return self.daemon(self.config(libvirt=lvm, **sections), path=path, wrapper=may)

    def encrypting_node(self, libvirt: dict | None = None) -> tuple[Daemon, Client]:
        return self.node(libvirt, ephemeral_storage_encryption={"enabled": "true"},
                         basecache={"ephemeral_key_directory": self.keys})

    def new_key(self) -> str:
        """For `ephemeral_key_uuid`."""
        uuid = new_uuid()
        (self.keys / uuid).write_bytes(os.urandom(64))
        (self.keys / uuid).chmod(0o400)
        return uuid

    def request(self, **fields) -> dict:
        return {"image_ref": self.image, **fields}

    def lvm(self, verb: str, *words: object) -> str:
        return disk_checks.run("lvm", verb, *words)

    def make_volume(self, name: str, size: int) -> Path:
        """A linear one, with what lies there left in it."""
        self.lvm("lvcreate", "--yes", "--zero", "n", "--wipesignatures", "n", "--size", f"{size}b", "--name", name, self.group)
        return self.device(name)

    def make_pool(self) -> None:
        self.lvm("lvcreate", "--yes", "--type", "thin-pool", "--size", "1g", "--poolmetadatasize", "4m", "--name", POOL, self.group)
        self.lvm("lvchange", "--errorwhenfull", "y", f"{self.group}/{POOL}")

    def volumes(self) -> dict[str, int]:
        """The sizes of the group's volumes, by name; of a sparse one the size of what it seems to be."""
        told = json.loads(self.lvm("lvs", "--reportformat", "json", "--units", "b", "--nosuffix",
                                   "-o", "lv_name,lv_size,origin_size", self.group))
        return {volume["lv_name"]: int(volume["origin_size"] or volume["lv_size"]) for volume in told["report"][0]["lv"]}

    def disks_of(self, uuid: str) -> dict[str, int]:
        """The sizes of the instance's volumes, by what follows its uuid in their names."""
        return {name.removeprefix(f"{uuid}_"): size for name, size in self.volumes().items() if name.startswith(f"{uuid}_")}

    def device(self, volume: str) -> Path:
        return Path("/dev") / self.group / volume

    def plain(self, uuid: str, disk: str) -> Path:
        """What an encrypted volume's guest sees."""
        return Path(f"/dev/mapper/{uuid}_{disk}-dmcrypt")

    def remove_volumes(self) -> None:
        for line in disk_checks.run("dmsetup", "ls", "--target", "crypt").splitlines():
            if "-dmcrypt\t" in line:
                disk_checks.run("dmsetup", "remove", "--retry", line.split("\t")[0])
        self.lvm("lvremove", "--yes", "--force", self.group)

    def soil(self, size: int) -> None:
        """Somebody else's bytes in each MiB of the space that the next volumes get."""
        device = self.make_volume("strangers", size)
        with open(device, "r+b", buffering=0) as file:
            for offset in range(STRANGERS_AT, size, MIB):
                os.pwrite(file.fileno(), STRANGERS, offset)
        self.lvm("lvremove", "--yes", f"{self.group}/strangers")

    def assert_holds(self, device: Path, expected: bytes) -> None:
        """These bytes, and behind them zeros."""
        with open(device, "rb") as file:
            self.assertEqual(file.read(len(expected)) == expected, True, f"{device} doesn't begin with the expected bytes")
            for block in blocks(file):
                self.assertEqual(block.count(0), len(block), f"{device} holds something behind them")

    def holds(self, device: Path, wanted: bytes) -> bool:
        """Whether it stands anywhere within a MiB of the device."""
        with open(device, "rb") as file:
            return any(wanted in block for block in blocks(file))

    def assert_no_strangers(self, device: Path) -> None:
        with open(device, "rb", buffering=0) as file:
            for offset in range(STRANGERS_AT, file.seek(0, os.SEEK_END), MIB):
                self.assertNotEqual(os.pread(file.fileno(), len(STRANGERS), offset), STRANGERS, f"{device} at {offset}")

    def assert_gone(self, uuid: str) -> None:
        """Nothing of the instance is left."""
        self.assertEqual(self.disks_of(uuid), {})
        self.assertEqual([path for path in self.tree() if uuid in path], [])
        self.assertEqual(list(Path("/dev/mapper").glob(f"{uuid}*")), [])


def blocks(file) -> Iterator[bytes]:
    while block := file.read(MIB):
        yield block


@contextlib.contextmanager
def opened(device: Path) -> Iterator[None]:
    """As by a guest that runs."""
    fd = os.open(device, os.O_RDWR)
    try:
        yield
    finally:
        os.close(fd)
