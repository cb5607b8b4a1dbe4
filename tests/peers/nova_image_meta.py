#!/usr/bin/python3
"""What Nova's own code makes of image records: prints tests/data/image_properties.json. Needs python3-nova.

    /usr/bin/python3 tests/peers/nova_image_meta.py > tests/data/image_properties.json

`rows`: a record of Glance (v2), or of a volume (`volume_image_metadata`), the root_gb of the flavor, the system metadata
that an instance of them gets, and what its snapshot is given. `translations`: properties, and what ImageMetaProps reads
in them ("known"), or that it refuses them ("refused"). `block_devices`: those of nova_image_devices.py.
"""

import json
from types import SimpleNamespace

from nova import block_device, utils
from nova import objects
from nova.compute import utils as compute_utils
from nova.image import glance

import nova_image_devices

ID = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1"
KERNEL = "0d6b1d0c-7a53-44c5-8a3c-5b1f0e6b7a10"
# The members that the image API's own schema has.
OWN = ("id name status visibility protected os_hidden owner checksum os_hash_algo os_hash_value size virtual_size "
       "disk_format container_format min_disk min_ram tags created_at updated_at locations direct_url self file schema "
       "stores").split()
SCHEMA = {"name": "image", "properties": {name: {"is_base": True} for name in OWN}}

BASE = {"id": ID, "name": "debian", "status": "active", "visibility": "public", "protected": False, "os_hidden": False,
        "owner": "5ef70662f8b34079a6eddb8da9d75fe8", "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "os_hash_algo": "sha512", "os_hash_value": "0" * 128, "size": 1024, "virtual_size": None, "disk_format": "qcow2",
        "container_format": "bare", "min_disk": 0, "min_ram": 0, "tags": ["stable"],
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z", "self": f"/v2/images/{ID}",
        "file": f"/v2/images/{ID}/file", "schema": "/v2/schemas/image", "stores": "fast,cheap"}

# One property a row, that must come through as it is.
CARRIED = {
    "hw_disk_bus": "scsi", "hw_cdrom_bus": "ide", "hw_scsi_model": "virtio-scsi", "hw_vif_model": "e1000",
    "hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes", "hw_machine_type": "q35", "hw_firmware_type": "uefi",
    "hw_boot_menu": "true", "hw_rng_model": "virtio", "hw_watchdog_action": "reset", "hw_video_model": "virtio",
    "hw_video_ram": "64", "hw_serial_port_count": "2", "hw_cpu_sockets": "1", "hw_cpu_cores": "4",
    "hw_cpu_threads": "2", "hw_cpu_max_sockets": "2", "hw_cpu_max_cores": "8", "hw_cpu_max_threads": "2",
    "hw_cpu_policy": "dedicated", "hw_cpu_thread_policy": "isolate", "hw_cpu_realtime_mask": "^0-1",
    "hw_mem_page_size": "large", "hw_numa_nodes": "2", "hw_numa_cpus.0": "0,1", "hw_numa_mem.0": "512",
    "hw_pointer_model": "usbtablet", "hw_rescue_bus": "usb", "hw_rescue_device": "disk", "hw_tpm_model": "tpm-crb",
    "hw_tpm_version": "2.0", "hw_vif_multiqueue_enabled": "true", "hw_time_hpet": "false", "hw_pmu": "false",
    "hw_architecture": "x86_64", "architecture": "x86_64", "os_distro": "debian", "os_type": "linux",
    "os_version": "12", "os_admin_user": "root", "os_secure_boot": "optional", "os_command_line": "console=ttyS0",
    "img_config_drive": "mandatory", "img_hide_hypervisor_id": "true", "img_hv_type": "kvm",
    "kernel_id": KERNEL, "ramdisk_id": KERNEL, "root_device_name": "/dev/vda", "instance_type_root_gb": "20",
    "base_image_ref": KERNEL, "image_type": "snapshot", "user_id": "9f0b", "owner_specified.openstack.md5": "",
    "trait:HW_CPU_X86_AVX2": "required", "auto_disk_config": "disabled", "vm_mode": "hvm",
    "hypervisor_type": "qemu", "vmware_adaptertype": "lsiLogic", "xenapi_use_agent": "false", "some.body's own": "x y",
    "an empty one": "", "image_in_its_name": "twice", "min_cpu": "2", "disk_formats": "no key of the image's",
}

# Those that a snapshot isn't given.
NOT_INHERITED = {
    "cache_in_nova": "true", "bittorrent": "true", "cinder_encryption_key_id": KERNEL,
    "cinder_encryption_key_deletion_policy": "on_image_deletion", "img_signature": "c2lnbmF0dXJl" * 40,
    "img_signature_hash_method": "SHA-256", "img_signature_key_type": "RSA-PSS",
    "img_signature_certificate_uuid": KERNEL, "os_glance_importing_to_stores": "fast", "os_glance_failed_import": "",
    "os_glance_import_task": KERNEL, "img_cache_in_nova": "stays",
}

# Those that no instance keeps.
SKIPPED = {
    "mappings": '[{"virtual": "root", "device": "/dev/vda"}]',
    "block_device_mapping": '[{"device_name": "/dev/vda", "boot_index": 0, "source_type": "snapshot"}]',
    "img_mappings": "[]", "img_block_device_mapping": "[]",
}

# Rows of several members: what, members, root_gb.
FURTHER = [
    ("nothing but the record", {}, 10),
    ("no size of the root disk", {}, 0),
    ("a flavor larger than the minimum", {"min_disk": 5}, 10),
    ("a flavor of the minimum", {"min_disk": 10}, 10),
    ("a flavor smaller than the minimum", {"min_disk": 40}, 10),
    ("a minimum, and no size of the root disk", {"min_disk": 40}, 0),
    ("a VHD with a minimum above the flavor's", {"disk_format": "vhd", "min_disk": 40}, 10),
    ("a VHD with a minimum below the flavor's", {"disk_format": "vhd", "min_disk": 4}, 10),
    ("a VHD without a size of the root disk", {"disk_format": "vhd", "min_disk": 40}, 0),
    ("a VHDX, which is no VHD", {"disk_format": "vhdx", "min_disk": 40}, 10),
    ("a minimum of memory", {"min_ram": 2048}, 10),
    ("an ISO", {"disk_format": "iso"}, 10),
    ("an Amazon image", {"disk_format": "ami", "container_format": "ami"}, 10),
    ("a kernel", {"disk_format": "aki", "container_format": "aki"}, 0),
    ("no formats", {"disk_format": None, "container_format": None}, 10),
    ("a value of 255 bytes", {"long": "x" * 255}, 10),
    ("a value of 256 bytes", {"long": "x" * 256}, 10),
    ("a value of many bytes", {"long": "0123456789" * 3000}, 10),
    ("a character of two bytes on the edge", {"long": "x" * 254 + "ä" + "x" * 10}, 10),
    ("a character of two bytes before the edge", {"long": "x" * 253 + "ä" + "x" * 10}, 10),
    ("a character of three bytes on the edge", {"long": "x" * 253 + "€" + "x" * 10}, 10),
    ("a character of four bytes on the edge", {"long": "x" * 252 + "\U0001f427" + "x" * 10}, 10),
    ("a character of four bytes before the edge", {"long": "x" * 251 + "\U0001f427" + "x" * 10}, 10),
    ("nothing but characters of three bytes", {"long": "€" * 100}, 10),
    ("names and values of other scripts", {"größe": "mittel", "система": "линукс"}, 10),
    ("quotes, line ends and backslashes", {"text": "a \"b\"\n\tc\\d"}, 10),
    ("all kinds at once", {**SKIPPED, **NOT_INHERITED, "hw_disk_bus": "ide", "min_disk": 3, "min_ram": 64}, 20),
]

VOLUMES = [
    ("a volume of an image", {"image_id": ID, "image_name": "debian", "checksum": "00", "container_format": "bare",
                              "disk_format": "qcow2", "min_disk": "3", "min_ram": "512", "size": "1024",
                              "hw_disk_bus": "scsi", "os_type": "linux"}, 20),
    ("a volume without minima", {"hw_scsi_model": "virtio-scsi"}, 20),
    ("a volume with empty minima", {"min_disk": "", "min_ram": ""}, 20),
    ("a volume of an image with a signature", {"img_signature": "x", "signature_verified": "True"}, 0),
    ("a volume that says nothing", {}, 0),
]

# What ImageMetaProps reads: names of today, legacy ones, spellings, and what it refuses.
TRANSLATED = [
    {"hw_disk_bus": "virtio"}, {"hw_disk_bus": "sata"}, {"hw_disk_bus": "usb"}, {"hw_disk_bus": "fdc"},
    {"hw_disk_bus": "SCSI"}, {"hw_disk_bus": "nvme"}, {"hw_disk_bus": ""}, {"hw_cdrom_bus": "scsi"},
    {"hw_cdrom_bus": "floppy"}, {"vmware_adaptertype": "ide"}, {"vmware_adaptertype": "lsiLogic"},
    {"vmware_adaptertype": "lsiLogicsas"}, {"vmware_adaptertype": "paraVirtual"}, {"vmware_adaptertype": "busLogic"},
    {"vmware_adaptertype": "nonsense"}, {"vmware_adaptertype": "ide", "hw_disk_bus": "virtio"},
    {"vmware_adaptertype": "lsiLogic", "hw_scsi_model": "virtio-scsi"}, {"hw_scsi_model": "VIRTIO-SCSI"},
    {"hw_scsi_model": "scsi"}, {"hw_vif_model": "E1000"}, {"hw_vif_model": "VirtualE1000"},
    {"hw_vif_model": "VirtualVmxnet3"}, {"hw_vif_model": "VirtualPCNet32"}, {"hw_vif_model": "e1001"},
    {"hw_vif_model": "VirtualSriovEthernetCard"}, {"hw_vif_model": "VirtualE1000e"}, {"hw_vif_model": "VirtualVmxnet"},
    {"hw_machine_type": "pc-q35-7.2"}, {"hw_firmware_type": "uefi"}, {"hw_firmware_type": "UEFI"},
    {"hw_rng_model": "virtio"}, {"hw_rng_model": "hw"}, {"hw_watchdog_action": "poweroff"},
    {"hw_watchdog_action": "explode"}, {"hw_video_model": "qxl"}, {"hw_video_model": "cga"},
    {"hw_cpu_policy": "mixed"}, {"hw_cpu_policy": "none"}, {"hw_cpu_thread_policy": "require"},
    {"hw_cpu_thread_policy": "maybe"}, {"hw_cpu_sockets": "2", "hw_cpu_cores": "4", "hw_cpu_threads": "1"},
    {"hw_cpu_cores": "four"}, {"hw_cpu_max_sockets": "3", "hw_cpu_max_cores": "5", "hw_cpu_max_threads": "7"},
    {"hw_cpu_realtime_mask": "^0-1,4"}, {"hw_serial_port_count": "3"}, {"hw_serial_port_count": "some"},
    {"hw_qemu_guest_agent": "yes"}, {"hw_qemu_guest_agent": "True"}, {"hw_qemu_guest_agent": "no"},
    {"os_require_quiesce": "1"}, {"os_require_quiesce": "off"}, {"hw_boot_menu": "on"}, {"hw_boot_menu": "f"},
    {"os_type": "linux"}, {"os_type": "Windows"}, {"os_type": "solaris"}, {"os_distro": "debian12"},
    {"vmware_ostype": "ubuntu64Guest"}, {"vmware_ostype": "ubuntu64Guest", "os_distro": "ubuntu22.04"},
    {"architecture": "amd64"}, {"architecture": "i386"}, {"hw_architecture": "aarch64"}, {"architecture": "X86_64"},
    {"architecture": "x86_32p", "hw_architecture": "s390x"}, {"architecture": "pdp11"},
    {"img_config_drive": "mandatory"}, {"img_config_drive": "optional"}, {"img_config_drive": "always"},
    {"root_device_name": "/dev/sda"}, {"img_root_device_name": "vdb", "root_device_name": "/dev/sda"},
    {"nobody_knows": "this"}, {"hw_disk_bus_model": "like one that is known"},
]
KNOWN = ("hw_disk_bus hw_cdrom_bus hw_scsi_model hw_vif_model hw_machine_type hw_firmware_type hw_rng_model "
         "hw_watchdog_action hw_video_model hw_boot_menu hw_qemu_guest_agent os_require_quiesce hw_serial_port_count "
         "hw_cpu_sockets hw_cpu_cores hw_cpu_threads hw_cpu_max_sockets hw_cpu_max_cores hw_cpu_max_threads "
         "hw_cpu_policy hw_cpu_thread_policy hw_cpu_realtime_mask os_distro os_type hw_architecture img_config_drive "
         "img_root_device_name").split()


class Record(dict):
    schema = SCHEMA


def snapshot_of(system_metadata: dict) -> dict:
    owner = SimpleNamespace(project_id="its owner's")
    instance = SimpleNamespace(project_id="its owner's", system_metadata=system_metadata)
    given = compute_utils.initialize_instance_snapshot_metadata(owner, instance, "a snapshot")
    return {name: given[name] for name in ("min_disk", "min_ram", "properties") if name in given}


def row(what: str, source: dict, image_meta: dict, ref: str, root_gb: int) -> dict:
    kept = utils.get_system_metadata_from_image(image_meta, {"root_gb": root_gb})
    kept = {name: str(value) for name, value in kept.items()}  # as the database has them
    if ref:
        kept.setdefault("image_base_image_ref", ref)  # nova/compute/api.py, _populate_instance_for_create
    return {"what": what, **source, "root_gb": root_gb, "system_metadata": kept, "snapshot": snapshot_of(kept)}


def rows() -> list[dict]:
    wanted = [(f"the property {name}", {name: value}, 10)
              for name, value in {**CARRIED, **NOT_INHERITED, **SKIPPED}.items()]
    made = []
    for what, members, root_gb in wanted + FURTHER:
        record = {**BASE, **members}
        image_meta = glance._extract_attributes_v2(Record(record))
        made.append(row(what, {"record": record}, image_meta, ID, root_gb))
    for what, metadata, root_gb in VOLUMES:
        image_meta = block_device.get_image_metadata_from_volume({"volume_image_metadata": metadata, "size": 1})
        made.append(row(what, {"volume_image_metadata": metadata}, image_meta, "", root_gb))
    return made


def translation(properties: dict) -> dict:
    try:
        read = objects.ImageMetaProps.from_dict(dict(properties))
    except ValueError:
        return {"properties": properties, "refused": True}
    known = {name: getattr(read, name) for name in KNOWN if read.obj_attr_is_set(name)}
    return {"properties": properties, "known": known}


def main() -> None:
    objects.register_all()
    print('{"rows": [')
    print(",\n".join(json.dumps(made, sort_keys=True) for made in rows()))
    print('], "translations": [')
    print(",\n".join(json.dumps(translation(properties), sort_keys=True) for properties in TRANSLATED))
    print('], "block_devices": [')
    print(",\n".join(json.dumps(made, sort_keys=True) for made in nova_image_devices.rows()))
    print("]}")


if __name__ == "__main__":
    main()
