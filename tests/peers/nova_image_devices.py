"""What Nova's own compute API and driver make of the block devices that an image names, for nova_image_meta.py."""

import json
from types import SimpleNamespace

from nova import block_device, context, exception, objects
from nova.compute import api as compute_api
from nova.virt import driver

ID = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1"
VOLUME = "5f1d2c3b-7a53-44c5-8a3c-5b1f0e6b7a10"
LARGE = {"ephemeral_gb": 4, "swap": 512}


def blank(**members) -> dict:
    return {"source_type": "blank", "destination_type": "local", "boot_index": -1, **members}


def volume(name: str | None, boot_index: int | None = -1, **members) -> dict:
    return {"source_type": "volume", "destination_type": "volume", "volume_id": VOLUME, "device_name": name,
            "boot_index": boot_index, **members}


def legacy(*devices: dict, **properties) -> dict:
    return {"block_device_mapping": list(devices), **properties}


def v2(*devices: dict, **properties) -> dict:
    return {"block_device_mapping": list(devices), "bdm_v2": "true", **properties}


def mapped(*pairs: tuple, **properties) -> dict:
    return {"mappings": [{"virtual": virtual, "device": device} for virtual, device in pairs], **properties}


def asked_eph(name: str, size: int = 1) -> dict:
    return {"ephemerals": [{"device_name": name, "size": size}]}


def asked_swap(name: str, size: int = 64) -> dict:
    return {"swap": {"device_name": name, "swap_size": size}}


def asked_volume(name: str, boot_index: int = -1, **more) -> dict:
    return {"block_device_mapping": [{"mount_device": name, "boot_index": boot_index}], **more}


# What, properties, flavor, the request's block_device_info.
ROWS = [
    ("nothing", {}, LARGE, {}),
    ("empty lists", {**v2(), "mappings": []}, LARGE, {}),
    ("an ephemeral of a size", v2(blank(volume_size=2)), LARGE, {}),
    ("an ephemeral of the flavor's size", v2(blank()), LARGE, {}),
    ("an ephemeral without a size, a flavor without one", v2(blank()), {}, {}),
    ("an ephemeral with a size, a flavor without one", v2(blank(volume_size=1)), {}, {}),
    ("an ephemeral as large as the flavor's", v2(blank(volume_size=4)), LARGE, {}),
    ("an ephemeral larger than the flavor's", v2(blank(volume_size=5)), LARGE, {}),
    ("an ephemeral with its name and file system", v2(blank(device_name="vdc", volume_size=1, guest_format="xfs")),
     LARGE, {}),
    ("two ephemerals as large as the flavor's", v2(blank(volume_size=3), blank(volume_size=1, guest_format="ext3")),
     LARGE, {}),
    ("two ephemerals larger than the flavor's", v2(blank(volume_size=3), blank(volume_size=2)), LARGE, {}),
    ("two ephemerals without sizes", v2(blank(), blank()), LARGE, {}),
    ("a size in text", v2(blank(volume_size="2")), LARGE, {}),
    ("an empty size", v2(blank(volume_size="")), LARGE, {}),
    ("a size that is none", v2(blank(volume_size="two")), LARGE, {}),
    ("a size below nothing", v2(blank(volume_size=-1)), LARGE, {}),
    ("a swap of a size", v2(blank(guest_format="swap", volume_size=128)), LARGE, {}),
    ("a swap of the flavor's size", v2(blank(guest_format="swap")), LARGE, {}),
    ("a swap without a size, a flavor without one", v2(blank(guest_format="swap")), {}, {}),
    ("a swap as large as the flavor's", v2(blank(guest_format="swap", volume_size=512)), LARGE, {}),
    ("a swap larger than the flavor's", v2(blank(guest_format="swap", volume_size=513)), LARGE, {}),
    ("two swaps", v2(blank(guest_format="swap", volume_size=1), blank(guest_format="swap", volume_size=2)), LARGE, {}),
    ("a swap and an ephemeral", v2(blank(guest_format="swap", volume_size=64, device_name="/dev/vdc"),
                                   blank(volume_size=1, device_name="/dev/vdb")), LARGE, {}),
    ("blank, nowhere to be made", v2({"source_type": "blank", "volume_size": 1}), LARGE, {}),
    ("blank, to be a volume", v2(volume("/dev/vdb", source_type="blank", volume_id=None, volume_size=1)), LARGE, {}),
    ("a volume", v2(volume("/dev/vdb")), LARGE, {}),
    ("a volume without dev", v2(volume("vdb")), LARGE, {}),
    ("a volume to boot from", v2(volume("/dev/vda", 0)), LARGE, {}),
    ("a volume to boot from, elsewhere", v2(volume("/dev/vdc", 0)), LARGE, {}),
    ("a boot index in text", v2(volume("/dev/vda", "0")), LARGE, {}),
    ("a boot index that is none", v2(volume("/dev/vda", "first")), LARGE, {}),
    ("two volumes to boot from", v2(volume("/dev/vda", 0), volume("/dev/vdb", 0)), LARGE, {}),
    ("a volume with no boot index", v2(volume("/dev/vdb", None)), LARGE, {}),
    ("a volume that is to be made of a snapshot",
     v2(volume("/dev/vdb", source_type="snapshot", volume_id=None, snapshot_id=ID)), LARGE, {}),
    ("the image itself", v2({"source_type": "image", "destination_type": "local", "boot_index": 0, "image_id": ID}),
     LARGE, {}),
    ("an empty device name", v2(blank(device_name="", volume_size=1)), LARGE, {}),
    ("a device name with a space", v2(blank(device_name="v db", volume_size=1)), LARGE, {}),
    ("no source", v2({"device_name": "/dev/vdb"}), LARGE, {}),
    ("a source that nobody knows", v2(volume("/dev/vdb", source_type="tape")), LARGE, {}),
    ("a destination that nobody knows", v2(blank(destination_type="nowhere")), LARGE, {}),
    ("a device taken back", v2({"device_name": "/dev/vdb", "no_device": True}), LARGE, {}),
    ("legacy: an ephemeral", legacy({"virtual_name": "ephemeral0", "device_name": "/dev/vdb", "volume_size": 2}),
     LARGE, {}),
    ("legacy: an ephemeral of the flavor's size", legacy({"virtual_name": "ephemeral0", "device_name": "sdb"}), LARGE, {}),
    ("legacy: the eleventh ephemeral", legacy({"virtual_name": "ephemeral10", "device_name": "sdb"}), LARGE, {}),
    ("legacy: an ephemeral of a number that is none", legacy({"virtual_name": "ephemeral01", "device_name": "sdb"}),
     LARGE, {}),
    ("legacy: a swap", legacy({"virtual_name": "swap", "device_name": "/dev/vdb"}), LARGE, {}),
    ("legacy: two swaps", legacy({"virtual_name": "swap", "device_name": "/dev/vdb"},
                                 {"virtual_name": "swap", "device_name": "/dev/vdc"}), LARGE, {}),
    ("legacy: a swap larger than the flavor's", legacy({"virtual_name": "swap", "volume_size": 1024}), LARGE, {}),
    ("legacy: a volume", legacy({"volume_id": VOLUME, "device_name": "/dev/vdb"}), LARGE, {}),
    ("legacy: a volume on the root device", legacy({"volume_id": VOLUME, "device_name": "/dev/vda"}), LARGE, {}),
    ("legacy: a volume on the root device that the image names",
     legacy({"volume_id": VOLUME, "device_name": "sda"}, root_device_name="/dev/sda"), LARGE, {}),
    ("legacy: a volume on vda, which isn't the root device",
     legacy({"volume_id": VOLUME, "device_name": "vda"}, root_device_name="/dev/sda"), LARGE, {}),
    ("legacy: a volume on the root device that the mappings name",
     {**legacy({"volume_id": VOLUME, "device_name": "sda"}), **mapped(("root", "sda"))}, LARGE, {}),
    ("legacy: a copy of a snapshot", legacy({"snapshot_id": ID, "volume_id": VOLUME, "device_name": "/dev/vdb"}),
     LARGE, {}),
    ("legacy: a device taken back", legacy({"no_device": True, "device_name": "/dev/vdb"}), LARGE, {}),
    ("legacy: nobody knows what", legacy({"virtual_name": "ami", "device_name": "/dev/vdb"}), LARGE, {}),
    ("mappings: of all kinds", mapped(("ami", "sda1"), ("ephemeral0", "sdb"), ("swap", "/dev/sdc"), ("root", "/dev/sda"),
                                      ("ebs0", "sdd")), LARGE, {}),
    ("mappings: a flavor without disks", mapped(("ephemeral0", "sdb"), ("swap", "sdc")), {}, {}),
    ("mappings: two ephemerals", mapped(("ephemeral0", "sdb"), ("ephemeral1", "sdc")), LARGE, {}),
    ("mappings: two swaps", mapped(("swap", "sdb"), ("swap", "sdc")), LARGE, {}),
    ("mappings: a file system", {"mappings": [{"virtual": "ephemeral0", "device": "vdb", "guest_format": "ext3"}]},
     LARGE, {}),
    ("mappings: a device that the list names",
     {**v2(blank(device_name="/dev/vdb", volume_size=1)), **mapped(("ephemeral0", "vdb"))}, LARGE, {}),
    ("mappings: a device that the list takes back",
     {**v2({"device_name": "/dev/vdb", "no_device": True}), **mapped(("ephemeral0", "vdb"), ("swap", "vdc"))}, LARGE, {}),
    ("mappings: a device that the list makes a copy of a snapshot",
     {**legacy({"snapshot_id": ID, "device_name": "/dev/vdb"}), **mapped(("ephemeral0", "vdb"), ("swap", "vdc"))},
     LARGE, {}),
    ("mappings: another device than the list's",
     {**v2(blank(device_name="/dev/vdb", volume_size=1)), **mapped(("swap", "vdc"))}, LARGE, {}),
    ("a request that names another ephemeral", v2(blank(device_name="vdc", volume_size=1)), LARGE,
     asked_eph("/dev/vdb", 2)),
    ("a request that names the same ephemeral", v2(blank(device_name="vdb", volume_size=4)), LARGE,
     asked_eph("/dev/vdb", 2)),
    ("a request and an image that want more than the flavor has", v2(blank(device_name="vdc", volume_size=3)), LARGE,
     asked_eph("/dev/vdb", 2)),
    ("a request's ephemeral without a name", v2(blank(device_name="vdc", volume_size=1)), LARGE, asked_eph("", 2)),
    ("a request that names the same swap", v2(blank(device_name="vdb", volume_size=4, guest_format="swap")), LARGE,
     asked_swap("/dev/vdb")),
    ("a request that names another swap", v2(blank(device_name="vdb", volume_size=4, guest_format="swap")), LARGE,
     asked_swap("/dev/vdc")),
    ("a request that has a volume there", v2(blank(device_name="vdb", volume_size=1)), LARGE, asked_volume("/dev/vdb")),
    ("a request that has the same volume", v2(volume("/dev/vdb")), LARGE, asked_volume("/dev/vdb")),
    ("a request that boots from the same volume", v2(volume("/dev/vda", 0)), LARGE, asked_volume("/dev/vda", 0)),
    ("a request that boots from another volume", v2(volume("/dev/vda", 0)), LARGE, asked_volume("/dev/vdb", 0)),
    ("a request that has the mapped swap", mapped(("swap", "vdb"), ("ephemeral0", "vdc")), LARGE, asked_swap("/dev/vdb")),
    ("a request that names the root device", legacy({"volume_id": VOLUME, "device_name": "sda"}), LARGE,
     {"root_device_name": "/dev/sda"}),
]

REFUSALS = (exception.Invalid, ValueError)


def api() -> compute_api.API:
    """Nova's API without a cloud: volumes, snapshots and images are there, and it adds nothing of the flavor's own."""
    made = object.__new__(compute_api.API)
    made.volume_api = SimpleNamespace(get_snapshot=lambda *_: {"size": 1})
    made._check_attach_and_reserve_volume = lambda *_, **__: None
    made._get_image = lambda *_: (ID, {})
    made._get_flavor_defined_bdms = lambda *_: []
    return made


def request_bdms(asked: dict) -> list:
    """As a client of the API asks for what the request has."""
    volumes = asked.get("block_device_mapping", [])
    bdms = [block_device.BlockDeviceDict(volume(each["mount_device"], each["boot_index"])) for each in volumes]
    if all(each["boot_index"] != 0 for each in volumes):
        bdms.append(block_device.create_image_bdm(ID))
    for each in asked.get("ephemerals", []):
        bdms.append(block_device.BlockDeviceDict(blank(device_name=each["device_name"] or None,
                                                       volume_size=each["size"])))
    if swap := asked.get("swap"):
        bdms.append(block_device.BlockDeviceDict(blank(device_name=swap["device_name"], guest_format="swap",
                                                       volume_size=swap["swap_size"])))
    return bdms


def devices_of(properties: dict, flavor: dict, asked: dict) -> dict:
    """block_device_info as the driver is given it, but volumes that aren't there yet, disks of no size."""
    told = json.loads(json.dumps(properties))  # Nova writes into it
    compute, about = api(), context.RequestContext("user", "project", is_admin=False)
    instance = objects.Instance(uuid=ID, image_ref=ID, root_device_name=None)
    root = asked.get("root_device_name") or block_device.properties_root_device_name(told)
    bdms = compute._check_and_transform_bdm(
        about, {"root_device_name": root, "image_ref": ""}, flavor, {"properties": told}, 1, 1, request_bdms(asked), False)
    bdms = compute._bdm_validate_set_size_and_instance(about, instance, flavor, bdms, {}, {VOLUME: {"size": 1}})
    for bdm in bdms:  # as the database has what nobody has set
        for name in ("disk_bus", "device_type", "guest_format", "boot_index"):
            if not bdm.obj_attr_is_set(name):
                setattr(bdm, name, None)
    there = [bdm for bdm in bdms if bdm.destination_type != "volume" or bdm.source_type == "volume"]
    given = driver.get_block_device_info(instance, objects.BlockDeviceMappingList(objects=there))
    swap = given["swap"] if given["swap"] and given["swap"]["swap_size"] > 0 else None
    return {"ephemerals": [[each["device_name"], each["size"], each["guest_format"]] for each in given["ephemerals"]
                           if each["size"] > 0],
            "swap": swap and [swap["device_name"], swap["swap_size"]],
            "volumes": [[each["mount_device"], each["boot_index"] == 0] for each in given["block_device_mapping"]]}


def rows() -> list[dict]:
    made = []
    for what, properties, flavor, asked in ROWS:
        flavor = {"ephemeral_gb": 0, "swap": 0, **flavor}
        row = {"what": what, "properties": {name: value if isinstance(value, str) else json.dumps(value)
                                            for name, value in properties.items()}, "flavor": flavor, "asked": asked}
        try:
            made.append({**row, "devices": devices_of(properties, flavor, asked)})
        except REFUSALS:
            made.append({**row, "refused": True})
    return made
