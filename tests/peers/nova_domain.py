#!/usr/bin/python3
"""Which domain Nova's own driver makes of an image and a flavor: nova_domain.py STATE_DIRECTORY VIRT_TYPE.
Needs python3-nova.

Reads a list of [image properties, extra specs, flavor, os_type, {"disk_format"}] from its standard input and answers with a
list of XML texts, or null where Nova refuses. LibvirtDriver._get_guest_config decides; what it asks of libvirt is answered
here as an x86_64 node with OVMF would. No networks.
"""

import json
import os
import sys
from types import SimpleNamespace

import nova_peer  # of tests/bench; first, as it patches what Nova wants patched

from lxml import etree
from nova import context, exception, objects
from nova.virt.libvirt import blockinfo

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
    made._set_cache_mode = lambda _device: None
    type(made).disk_cachemode = "none"
    made._get_ordered_vpmems = lambda *_: []
    return made


def domain(ctx, row: list) -> str | None:
    properties, specs, flavor, os_type, meta = row
    instance = nova_peer.make_instance(ctx, "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1", {"root_gb": 1, **flavor}, True)
    instance.os_type = os_type
    instance.root_device_name = None
    instance.vcpu_model = None
    instance.pci_devices = objects.PciDeviceList(objects=[])
    instance.pci_requests = objects.InstancePCIRequests(requests=[])
    instance.resources = None
    instance.flavor.extra_specs = specs
    instance.flavor.vcpus = flavor.get("vcpus", 1)
    image = objects.ImageMeta.from_dict({"name": "image", "properties": properties, **meta})
    told = {"root_device_name": None, "image": [], "ephemerals": [], "swap": None, "block_device_mapping": []}
    try:
        disks = blockinfo.get_disk_info(nova_peer.CONF.libvirt.virt_type, instance, image, told)
        config = make_driver()._get_guest_config(instance, [], image, disks, block_device_info=told, context=ctx)
    except exception.NovaException as error:
        print(type(error).__name__, error, file=sys.stderr)
        return None
    return config.to_xml()


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    state, virt_type = sys.argv[1:]
    nova_peer.configure(state)
    nova_peer.answer_for_others()
    instances = os.path.join(state, "instances")
    os.makedirs(instances)
    nova_peer.CONF.set_override("instances_path", instances)
    nova_peer.CONF.set_override("virt_type", virt_type, group="libvirt")
    nova_peer.CONF.set_override("sysinfo_serial", "unique", group="libvirt")
    nova_peer.CONF.set_override("pointer_model", "ps2mouse")
    ctx = context.get_admin_context()
    print(json.dumps([domain(ctx, row) for row in json.load(sys.stdin)]), file=answers, flush=True)


if __name__ == "__main__":
    main()
