#!/usr/bin/python3
"""Which disks Nova's own code makes for creation requests of ours: nova_plan.py STATE_DIRECTORY [CONFIG_DRIVE_FORMAT].
Needs python3-nova.

Reads a list of requests from its standard input and answers with a list of their disks, in the order in which they are
made: [{"name","size","base","device","bus","type"}], both JSON, behind them the config drive, which has neither size nor
base. blockinfo.get_disk_mapping and LibvirtDriver._create_image decide; what they would have made is only written down.
No device: it isn't one. Where no boot_index is told, a volume that stands on the root device has 0.
"""

import json
import os
import sys
import uuid

import nova_peer  # of tests/bench; first, as it patches what Nova wants patched

from nova import context, objects
from nova.virt.libvirt import blockinfo

BUS = {"vd": "virtio", "sd": "scsi", "hd": "ide"}


class Written:
    """An imagebackend.Image that makes nothing."""

    SUPPORTS_CLONE = False
    is_block_dev = False

    def __init__(self, made: list, name: str):
        self._made, self._name = made, name

    def exists(self) -> bool:
        return False

    def cache(self, fetch_func, context, filename, size=None, **_others) -> None:
        self._made.append({"name": self._name, "size": size, "base": filename})


class WritingBackend:
    def __init__(self):
        self.made: list[dict] = []

    def by_name(self, _instance, name, _image_type=None, disk_info_mapping=None):
        return Written(self.made, name)


def strip(name: str | None) -> str:
    return (name or "").removeprefix("/dev/")


def image_properties(request: dict) -> dict:
    return request.get("image_meta", {}).get("properties", {})


def nova_devices(request: dict) -> dict:
    """block_device_info as nova-compute has it. What the image calls the root device is the instance's root_device_name
    (nova/compute/api.py, _validate_and_build_base_options)."""
    told = request.get("block_device_info", {})
    root_device_name = told.get("root_device_name") or image_properties(request).get("root_device_name")
    root = strip(root_device_name) or "vda"

    def device(entry: dict, **more) -> dict:
        return {"device_name": entry.get("device_name"), "guest_format": entry.get("guest_format"), "disk_bus": None,
                "device_type": None, **more}

    swap = told.get("swap")
    return {
        "root_device_name": root_device_name, "image": [],
        "ephemerals": [device(entry, size=entry["size"]) for entry in told.get("ephemerals", [])],
        "swap": device(swap, swap_size=swap.get("swap_size", 0)) if swap else None,
        "block_device_mapping": [
            {"mount_device": entry["mount_device"], "disk_bus": None, "device_type": None,
             "boot_index": entry.get("boot_index", 0 if strip(entry["mount_device"]) == root else -1)}
            for entry in told.get("block_device_mapping", [])]}


def nova_properties(request: dict) -> dict:
    """The image's, with the bus that a root device's name tells us where it is the request's and the image tells none."""
    properties = image_properties(request)
    root = strip(request.get("block_device_info", {}).get("root_device_name"))
    if not root or "hw_disk_bus" in properties or "root_device_name" in properties:
        return properties
    return {**properties, "hw_disk_bus": BUS[root[:2]]}


def plan(ctx, request: dict) -> list[dict]:
    flavor = {"root_gb": 0, **request.get("flavor", {})}
    instance = nova_peer.make_instance(ctx, request.get("image_ref") or "", flavor, request.get("config_drive", False),
                                       str(uuid.uuid4()))
    instance.os_type = request.get("os_type")
    suffix = request.get("suffix", "")
    devices = None if suffix else nova_devices(request)
    image_meta = objects.ImageMeta.from_dict({"properties": nova_properties(request)})
    disks = blockinfo.get_disk_info("kvm", instance, image_meta, devices, rescue=bool(suffix))
    driver = nova_peer.make_driver()
    driver.image_backend = WritingBackend()
    images = {"image_id": request.get("image_ref"), "kernel_id": request.get("kernel_id"),
              "ramdisk_id": request.get("ramdisk_id")}
    driver._create_image(ctx, instance, disks["mapping"], suffix=suffix, disk_images=images, block_device_info=devices)
    made, mapping = driver.image_backend.made, disks["mapping"]
    made += [{"name": name, "size": None, "base": None} for name in mapping if name.startswith("disk.config")]
    return [{**disk, "device": at.get("dev"), "bus": at.get("bus"), "type": at.get("type")}
            for disk in made for at in [mapping.get(disk["name"], {})]]


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    state = sys.argv[1]
    nova_peer.configure(state)
    nova_peer.answer_for_others()
    instances = os.path.join(state, "instances")
    os.makedirs(instances)
    nova_peer.CONF.set_override("instances_path", instances)
    if sys.argv[2:]:
        nova_peer.CONF.set_override("config_drive_format", sys.argv[2])
    ctx = context.get_admin_context()
    print(json.dumps([plan(ctx, request) for request in json.load(sys.stdin)]), file=answers, flush=True)


if __name__ == "__main__":
    main()
