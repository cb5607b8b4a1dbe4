#!/usr/bin/python3
"""Which domain Nova's own driver makes of an image and a flavor: nova_domain.py STATE_DIRECTORY VIRT_TYPE.
Needs python3-nova.

Reads a list of creation requests (README) from its standard input and answers each with {"domain": XML text}, or where Nova
refuses with {"refused": exception, "said": its words}. LibvirtDriver._get_guest_config decides; what it asks of libvirt is answered
here as an x86_64 node with OVMF would. No networks.
"""

import json
import os
import sys
from types import SimpleNamespace

import nova_peer  # of tests/bench; first, as it patches what Nova wants patched

from lxml import etree
from nova import context, exception, objects
from nova.console import serial
from nova.virt.libvirt import blockinfo

import nova_plan

MACHINES = ("pc", "q35", "virt", "pseries", "s390-ccw-virtio")


class Node:
    """What Nova's Host tells of the node."""

    supports_uefi = True
    supports_secure_boot = True
    has_hyperthreading = False
    tpm_secret_uuid = None

    def get_capabilities(self):
        return SimpleNamespace(host=SimpleNamespace(cpu=SimpleNamespace(arch="x86_64"), topology=None, uuid="0" * 8))

    def _check_machine_type(self, _caps, machine):
        if machine not in MACHINES:
            raise exception.InvalidMachineType(message=machine)

    def is_cpu_control_policy_capable(self):
        return True

    def get_loader(self, _arch, _machine, has_secure_boot):
        return "/firmware", "/template", has_secure_boot

    def get_guest(self, instance):
        raise exception.InstanceNotFound(instance_id=instance.uuid)

    def has_min_version(self, *_args, **_kwargs):
        return True


def make_driver():
    made = nova_peer.make_driver()
    made._host = Node()
    made._supported_perf_events = []
    made._get_guest_config_meta = lambda *_: SimpleNamespace(format_dom=lambda: etree.Element("peer"))
    made._sev_enabled = lambda *_: False
    made._get_guest_numa_config = lambda *_: SimpleNamespace(cpuset=None, cputune=None, numaconfig=None, numatune=None)
    made._get_guest_memory_backing_config = lambda *_: None
    made._sysinfo_serial_func = lambda: None
    made._disk_cachemode, made.disk_cachemodes = None, {}  # it tries O_DIRECT, as we do
    made._get_ordered_vpmems = lambda *_: []
    return made


def make_instance(ctx, request: dict):
    flavor = request["flavor"]
    instance = nova_peer.make_instance(ctx, "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1", flavor, True)
    instance.os_type = request["os_type"]
    instance.kernel_id, instance.ramdisk_id = request.get("kernel_id", ""), request.get("ramdisk_id", "")
    instance.root_device_name = None
    instance.vcpu_model = None
    instance.pci_devices = objects.PciDeviceList(objects=[])
    instance.pci_requests = objects.InstancePCIRequests(requests=[])
    instance.resources = None
    instance.system_metadata = {"vtpm_secret_uuid": "9d9d4c8e-6d3e-4f0e-8a2b-1f0c8f7d2f11"}
    instance.flavor.extra_specs = flavor["extra_specs"]
    instance.flavor.vcpus, instance.flavor.memory_mb = flavor["vcpus"], flavor["memory_mb"]
    return instance


def has_port_counts(request: dict) -> bool:
    return any(name.endswith("serial_port_count")
               for name in (*request["image_meta"]["properties"], *request["flavor"]["extra_specs"]))


def domain(ctx, request: dict) -> dict:
    instance = make_instance(ctx, request)
    # Nova looks at the counts only there; else there is one.
    nova_peer.CONF.set_override("enabled", has_port_counts(request), group="serial_console")
    try:
        image = objects.ImageMeta.from_dict({"name": "image", **request["image_meta"]})
        told = nova_plan.nova_devices(request)
        disks = blockinfo.get_disk_info(nova_peer.CONF.libvirt.virt_type, instance, image, told)
        config = make_driver()._get_guest_config(instance, [], image, disks, block_device_info=told, context=ctx)
    except (exception.NovaException, ValueError) as error:
        return {"refused": type(error).__name__, "said": str(error)}
    return {"domain": config.to_xml()}


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    state, virt_type = sys.argv[1:]
    nova_peer.configure(state)
    nova_peer.answer_for_others()
    serial.acquire_port = lambda _host: 10000
    instances = os.path.join(state, "instances")
    os.makedirs(instances)
    nova_peer.CONF.set_override("instances_path", instances)
    nova_peer.CONF.set_override("virt_type", virt_type, group="libvirt")
    nova_peer.CONF.set_override("sysinfo_serial", "unique", group="libvirt")
    nova_peer.CONF.set_override("pointer_model", "ps2mouse")
    ctx = context.get_admin_context()
    print(json.dumps([domain(ctx, request) for request in json.load(sys.stdin)]), file=answers, flush=True)


if __name__ == "__main__":
    main()
