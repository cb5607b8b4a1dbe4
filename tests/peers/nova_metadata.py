#!/usr/bin/python3
"""What Nova's own code puts on a config drive for creation requests of ours: nova_metadata.py STATE_DIRECTORY. Needs
python3-nova.

Reads a list of {"request", "options", "folder"} from its standard input, has nova.api.metadata.base.InstanceMetadata and
nova.virt.configdrive.ConfigDriveBuilder write each one's files below its folder, and answers "done". An instance is made of
the request as the database and Neutron would have it; options are of [api].
"""

import base64
import json
import os
import sys

import nova_peer  # of tests/bench; first, as it patches what Nova wants patched
import nova_plan

from nova import context, objects
from nova.api.metadata import base as metadata
from nova.api.metadata import vendordata_dynamic
from nova.compute import api as compute_api
from nova.network import model as network
from nova.network import security_group_api
from nova.virt import configdrive
from nova.virt.libvirt import blockinfo

CONF = nova_peer.CONF
BUSES = {"pci": objects.PCIDeviceBus, "usb": objects.USBDeviceBus, "scsi": objects.SCSIDeviceBus,
         "ide": objects.IDEDeviceBus, "xen": objects.XenDeviceBus}


def dev(name: str | None) -> str | None:
    return name and "/dev/" + name.removeprefix("/dev/")


def tagged_device(told: dict):
    fields = {name: told[name] for name in ("mac", "vlan", "vf_trusted", "serial", "path", "tags") if name in told}
    if "bus" in told:
        fields["bus"] = BUSES[told["bus"]](**({"address": told["address"]} if "address" in told else {}))
    return {"nic": objects.NetworkInterfaceMetadata, "disk": objects.DiskMetadata}[told["type"]](**fields)


def name_instance(instance, request: dict) -> None:
    """As nova-api does."""
    instance.display_name, instance.hostname = request.get("name"), request.get("hostname")
    compute_api.API._populate_instance_names(None, instance, 1, 0)


def name_devices(ctx, instance, request: dict) -> None:
    """As nova-compute does before it makes the config drive: the driver fills in what the request leaves open."""
    told, devices = request.get("block_device_info", {}), nova_plan.nova_devices(request)
    properties = {"hw_disk_bus": nova_plan.BUS[nova_plan.strip(told.get("root_device_name"))[:2] or "vd"]}
    image_meta = objects.ImageMeta.from_dict({"properties": properties})
    mapping = blockinfo.get_disk_info("kvm", instance, image_meta, devices)["mapping"]

    def device(disk: str, named: str | None = None) -> str | None:
        return dev(named or mapping.get(disk, {}).get("dev"))

    instance.root_device_name = device("root", told.get("root_device_name"))
    instance.default_ephemeral_device, instance.default_swap_device = device("disk.local"), device("disk.swap")
    disks = [nova_peer.local_disk(ctx, instance, device(f"disk.eph{number}", entry.get("device_name")), None, 1)
             for number, entry in enumerate(told.get("ephemerals", []))]
    if told.get("swap"):
        disks.append(nova_peer.local_disk(ctx, instance, device("disk.swap", told["swap"].get("device_name")), "swap", 1))
    for entry in told.get("block_device_mapping", []):
        volume = nova_peer.local_disk(ctx, instance, dev(entry["mount_device"]), None, 1)
        volume.source_type = volume.destination_type = "volume"
        disks.append(volume)
    objects.Instance.get_bdms = lambda _self: objects.BlockDeviceMappingList(objects=disks)


def instance_of(ctx, request: dict):
    instance = nova_peer.make_instance(ctx, request["image_ref"], {"root_gb": 0, **request.get("flavor", {})}, True,
                                       request["uuid"])
    for field in ("availability_zone", "project_id", "reservation_id", "key_name", "key_data", "user_data"):
        setattr(instance, field, request.get(field))
    name_instance(instance, request)
    instance.launch_index, instance.metadata = request.get("launch_index", 0), request.get("metadata", {})
    instance.flavor.name = request["flavor"]["name"]
    instance.ec2_ids = objects.EC2Ids(**{"ami_id": None, "kernel_id": None, "ramdisk_id": None,
                                         "instance_id": request["uuid"], **request.get("ec2_ids", {})})
    if request.get("key_data"):
        key = objects.KeyPair(id=1, user_id="u", fingerprint="f", name=request["key_name"], public_key=request["key_data"],
                              type=request.get("key_type", "ssh"))
        instance.keypairs = objects.KeyPairList(objects=[key])
    if "device_metadata" in request:
        devices = [tagged_device(told) for told in request["device_metadata"]["devices"]]
        instance.device_metadata = objects.InstanceDeviceMetadata(devices=devices)
    if "dedicated_cpus" in request:
        half = len(request["dedicated_cpus"]) // 2
        cells = [objects.InstanceNUMACell(id=number, cpuset=set(), pcpuset=set(cpus), memory=512) for number, cpus in
                 enumerate((request["dedicated_cpus"][:half], request["dedicated_cpus"][half:]))]
        instance.numa_topology = objects.InstanceNUMATopology(cells=cells)
    name_devices(ctx, instance, request)
    return instance


def provide_vendor_data(state: str, request: dict) -> None:
    """A file of it, and a service that answers for each part of vendor_data2 but "static"."""
    parts = {name: part for name, part in request.get("vendor_data2", {}).items() if name != "static"}
    path = os.path.join(state, "vendor_data.json")
    with open(path, "w") as file:
        json.dump(request.get("vendor_data", {}), file)
    CONF.set_override("vendordata_jsonfile_path", path, group="api")
    CONF.set_override("vendordata_providers", ["StaticJSON", "DynamicJSON"], group="api")
    CONF.set_override("vendordata_dynamic_targets", [f"{name}@http://127.0.0.1" for name in parts], group="api")
    vendordata_dynamic.DynamicVendorData._do_request = lambda _self, name, _url: parts[name]


def write(ctx, state: str, request: dict, options: dict, folder: str) -> None:
    for name, value in {"dhcp_domain": "novalocal", **options}.items():
        CONF.set_override(name, value, group="api")
    provide_vendor_data(state, request)
    groups = [{"name": name} for name in request.get("security_groups", [])]
    security_group_api.get_instance_security_groups = lambda *_args, **_kwargs: groups
    files = [(file["path"], base64.b64decode(file["contents"])) for file in request.get("injected_files", [])]
    told = metadata.InstanceMetadata(
        instance_of(ctx, request), content=files,
        extra_md={"admin_pass": request["admin_pass"]} if request.get("admin_pass") else {},
        network_info=network.NetworkInfo.hydrate(request.get("network_info", [])),
        network_metadata=request.get("network_data"))
    with configdrive.ConfigDriveBuilder(instance_md=told) as builder:
        builder._write_md_files(folder)


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    state = sys.argv[1]
    nova_peer.configure(state)
    nova_peer.answer_for_others()
    for asked in json.load(sys.stdin):
        write(context.get_admin_context(), state, asked["request"], asked["options"], asked["folder"])
    print(json.dumps("done"), file=answers, flush=True)


if __name__ == "__main__":
    main()
