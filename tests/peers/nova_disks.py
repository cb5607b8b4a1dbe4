#!/usr/bin/python3
"""Nova's own code on a directory of instances that it shares: nova_disks.py STATE_DIRECTORY. Needs python3-nova.

Reads a request a line from its standard input and answers each in a line, both JSON: {"answer", "warnings"}, the second
what Nova logged meanwhile at WARNING and above; {"error"} when Nova's code raised. `work` is one of the functions below.
Images are never fetched from anywhere: what Nova would fetch is copied from a file that the request names, and is an error
where it names none.
"""

import json
import logging
import os
import shutil
import sys

import nova_peer  # of tests/bench; first, as it patches what Nova wants patched
import nova_plan

from nova import context, objects
from nova.virt.libvirt import imagebackend, imagecache
from nova.virt.libvirt import utils as libvirt_utils

CONF = nova_peer.CONF
BOOT_FILES = ("kernel", "ramdisk")


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Fetches:
    """In the place of what fetches images: writes a file that is there already."""

    def __init__(self):
        self.prepared: dict[str, str] = {}
        libvirt_utils.fetch_image = libvirt_utils.fetch_raw_image = self.fetch

    def fetch(self, context, target, image_id, trusted_certs=None) -> None:  # their names are Nova's
        if image_id not in self.prepared:
            raise AssertionError(f"Nova wants to fetch {image_id} to {target}")
        shutil.copyfile(self.prepared[image_id], target)


def backend(images_type: str, instance, disk: str):
    CONF.set_override("images_type", images_type, group="libvirt")
    return imagebackend.Backend(True).by_name(instance, disk, "raw" if disk.startswith(BOOT_FILES) else images_type)


def instance_of(ctx, told: dict):
    instance = nova_peer.make_instance(ctx, told.get("image_ref") or "", {"root_gb": 0, **told.get("flavor", {})},
                                       instance_uuid=told["uuid"])
    instance.kernel_id, instance.ramdisk_id = told.get("kernel_id") or "", told.get("ramdisk_id") or ""
    return instance


def names(ctx, request: dict) -> list[list[dict]]:
    """Of the disks of each creation request: base file, path and volume."""
    CONF.set_override("images_volume_group", request["group"], group="libvirt")
    answer = []
    for told in request["requests"]:
        instance = instance_of(ctx, told)
        answer.append([{"name": disk["name"], "base": disk["base"],
                        "path": backend(told["images_type"], instance, disk["name"]).path,
                        "volume": imagebackend.Lvm(instance, disk["name"]).path}
                       for disk in nova_plan.plan(ctx, told)])
    return answer


def volumes(ctx, request: dict) -> list[str]:
    """The path of the volume of each pair of instance and disk."""
    CONF.set_override("images_volume_group", request["group"], group="libvirt")
    return [imagebackend.Lvm(instance_of(ctx, {"uuid": uuid}), disk).path for uuid, disk in request["disks"]]


def spawn(ctx, request: dict) -> None:
    """Makes the disks of an instance, as LibvirtDriver.spawn does."""
    CONF.set_override("images_type", request["images_type"], group="libvirt")
    image_meta = objects.ImageMeta.from_dict({"disk_format": "raw", "properties": {}})
    nova_peer.spawn(ctx, nova_peer.make_driver(), instance_of(ctx, request), image_meta, request["flavor"])


def look(ctx, request: dict) -> list[dict]:
    """What Nova takes each disk for, and whether its base file may be of that size."""
    instance, found = instance_of(ctx, request), []
    for disk in request["disks"]:
        image = backend(request["images_type"], instance, disk["name"])
        base = os.path.join(CONF.instances_path, CONF.image_cache.subdirectory_name, disk["base"])
        image.verify_base_size(base, None if disk["name"].startswith(BOOT_FILES) else disk["size_bytes"])
        found.append({"name": disk["name"], "path": image.path, "exists": image.exists(), "driver_io": image.driver_io,
                      "format": image.resolve_driver_format(), "driver_format": image.driver_format,
                      "size_bytes": image.get_disk_size(image.path), "base_size": image.get_disk_size(base)})
    return found


def prune(ctx, request: dict) -> None:
    """One pass of the image cache manager with these instances running, each with its ephemeral disk and swap."""
    instances = [instance_of(ctx, told) for told in request["instances"]]
    mappings = {}
    for instance, told in zip(instances, request["instances"], strict=True):
        instance.vm_state, instance.task_state = "active", None
        mappings[instance.uuid] = objects.BlockDeviceMappingList(objects=[
            nova_peer.local_disk(ctx, instance, "/dev/vdb", None, told["flavor"]["ephemeral_gb"]),
            nova_peer.local_disk(ctx, instance, "/dev/vdc", "swap", told["flavor"]["swap"])])
    objects.BlockDeviceMappingList.bdms_by_instance_uuid = lambda _context, _uuids: mappings
    imagecache.ImageCacheManager().update(ctx, instances)


WORK = {work.__name__: work for work in (names, volumes, spawn, look, prune)}


def answer_to(request: dict, warnings: Warnings, fetches: Fetches) -> dict:
    warnings.lines.clear()
    fetches.prepared = request.get("prepared", {})
    for option, value in request["options"].items():
        group, _, name = option.rpartition(".")
        CONF.set_override(name, value, group=group or None)
    try:
        answer = WORK[request["work"]](context.get_admin_context(), request)
    except Exception as error:  # whatever Nova's code raises is its verdict
        logging.exception("the work failed")
        return {"error": f"{type(error).__name__}: {error}"}
    return {"answer": answer, "warnings": list(warnings.lines)}


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    nova_peer.configure(sys.argv[1])
    nova_peer.answer_for_others()
    warnings, fetches = Warnings(), Fetches()
    logging.getLogger().addHandler(warnings)
    for line in iter(sys.stdin.readline, ""):
        print(json.dumps(answer_to(json.loads(line), warnings, fetches)), file=answers, flush=True)


if __name__ == "__main__":
    main()
