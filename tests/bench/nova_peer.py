#!/usr/bin/python3
"""Nova's own code for disks and for pruning, in one warm process: nova_peer.py STATE_DIRECTORY. Needs python3-nova.

Reads a request a line from its standard input and answers each in a line, both JSON; nova_compute.py drives it. What is
called is what nova-compute calls for an instance that is spawned: disks, console log and config drive, of the libvirt driver
made without its constructor, which wants a libvirtd. Answers that would come from the database, from Neutron or from
libvirt are given here; no work on images is behind them. Privileged functions run in this process: a real nova-compute
also pays for the way to its privsep daemon.
"""

import json
import os
import sys
import time
import uuid

import nova.monkey_patch  # noqa: F401  first, as in nova-compute

import eventlet
import requests
from nova import config, context, objects
from nova.api.metadata import base as metadata
from nova.network import model as network
from nova.network import security_group_api
from nova.virt import images
from nova.virt.libvirt import blockinfo, driver, imagebackend, imagecache
from oslo_log import log

import nova.conf
import nova.privsep

CONF = nova.conf.CONF
TOKEN_AGE = 1200  # seconds for which a token is used

OPTIONS = """[DEFAULT]
host = bench
my_ip = 127.0.0.1
state_path = {state}
instances_path = {state}/none
log_file = {state}/nova.log
force_raw_images = true
[oslo_concurrency]
lock_path = {state}/locks
[libvirt]
virt_type = kvm
[glance]
region_name = RegionOne
"""


class Cloud:
    """The requester's token and catalog, as nova-api hands them on; by the OS_* variables."""

    def __init__(self):
        self._context, self._issued = None, 0.0

    def context(self):
        if self._context is None or time.monotonic() - self._issued > TOKEN_AGE:
            self._context, self._issued = self._request(), time.monotonic()
        return self._context

    def _request(self):
        told = os.environ
        domain = {"name": told["OS_USER_DOMAIN_NAME"]}
        user = {"name": told["OS_USERNAME"], "password": told["OS_PASSWORD"], "domain": domain}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": told["OS_PROJECT_NAME"], "domain": domain}}}
        answer = requests.post(told["OS_AUTH_URL"] + "/auth/tokens", json={"auth": auth})
        answer.raise_for_status()
        token = answer.json()["token"]
        return context.RequestContext(
            user_id=token["user"]["id"], project_id=token["project"]["id"], is_admin=False,
            auth_token=answer.headers["X-Subject-Token"], roles=[role["name"] for role in token["roles"]],
            service_catalog=[{"type": service["type"], "name": service["name"], "endpoints": _endpoints(service)}
                             for service in token["catalog"]])


def _endpoints(service: dict) -> list:
    """Of version 3's catalog as version 2 shows them, which is what Nova reads."""
    regions: dict[str, dict] = {}
    for endpoint in service["endpoints"]:
        regions.setdefault(endpoint["region"], {})[endpoint["interface"] + "URL"] = endpoint["url"]
    return [{**urls, "region": region} for region, urls in regions.items()]


def configure(state: str) -> None:
    os.makedirs(state + "/locks", exist_ok=True)
    path = state + "/nova.conf"
    with open(path, "w") as file:
        file.write(OPTIONS.format(state=state))
    config.parse_args(["nova-compute"], default_config_files=[path], configure_db=False, init_rpc=False)
    log.setup(CONF, "nova")
    nova.privsep.sys_admin_pctxt.set_client_mode(False)
    objects.register_all()


def answer_for_others() -> None:
    """What the database and Neutron would say."""
    def no_volumes(*_args, **_kwargs):
        return objects.BlockDeviceMappingList(objects=[])

    objects.BlockDeviceMappingList.get_by_instance_uuid = no_volumes
    objects.Instance.get_bdms = no_volumes
    security_group_api.get_instance_security_groups = lambda *_args, **_kwargs: [{"name": "default"}]
    metadata.security_group_api = security_group_api


def make_instance(ctx, image: str, flavor: dict, config_drive: bool = False, instance_uuid: str = ""):
    sizes = {"root_gb": flavor["root_gb"], "ephemeral_gb": flavor.get("ephemeral_gb", 0)}
    kind = objects.Flavor(
        id=1, name="bench", flavorid="bench", memory_mb=2048, vcpus=2, swap=flavor.get("swap", 0), rxtx_factor=1.0,
        vcpu_weight=0, disabled=False, is_public=True, extra_specs={}, projects=[], description=None, **sizes)
    instance = objects.Instance(
        ctx, id=1, uuid=instance_uuid or str(uuid.uuid4()), user_id=ctx.user_id, project_id=ctx.project_id,
        image_ref=image, kernel_id="", ramdisk_id="", host=CONF.host, node="bench", hostname="bench",
        display_name="bench", display_description=None, vm_state="building", task_state="spawning", power_state=0,
        memory_mb=2048, vcpus=2, launch_index=0, launched_at=None, os_type="linux", vm_mode=None,
        architecture="x86_64", config_drive="True" if config_drive else "", root_device_name="/dev/vda",
        default_ephemeral_device=None, default_swap_device=None, availability_zone="nova", reservation_id="r-bench",
        key_name=None, key_data=None, user_data=None, metadata={}, system_metadata={}, flavor=kind, old_flavor=None,
        new_flavor=None, ephemeral_key_uuid=None, trusted_certs=None, migration_context=None, numa_topology=None,
        device_metadata=None, created_at=None, deleted=False, **sizes)
    instance.ec2_ids = objects.EC2Ids(instance_id="i-1", ami_id="ami-1", kernel_id=None, ramdisk_id=None)
    instance.keypairs = objects.KeyPairList(objects=[])
    instance.security_groups = objects.SecurityGroupList(objects=[])
    instance.info_cache = objects.InstanceInfoCache(instance_uuid=instance.uuid, network_info=network.NetworkInfo())
    instance.obj_reset_changes()
    return instance


def block_devices(flavor: dict) -> dict:
    def device(name: str, size: int) -> dict:
        return {"device_name": name, "guest_format": None, "disk_bus": "virtio", "device_type": "disk", "size": size}

    ephemeral, swap = flavor.get("ephemeral_gb"), flavor.get("swap")
    return {"root_device_name": "/dev/vda", "block_device_mapping": [],
            "image": [{**device("/dev/vda", flavor["root_gb"]), "boot_index": 0}],
            "ephemerals": [device("/dev/vdb", ephemeral)] if ephemeral else [],
            "swap": {**device("/dev/vdc", 0), "swap_size": swap} if swap else None}


def make_driver():
    made = driver.LibvirtDriver.__new__(driver.LibvirtDriver)
    made.image_backend = imagebackend.Backend(CONF.use_cow_images)
    made.image_cache_manager = imagecache.ImageCacheManager()
    made._build_device_metadata = lambda _context, _instance: None
    return made


def spawn(ctx, nova_driver, instance, image_meta, flavor: dict) -> float:
    """The seconds of it; in the driver's own order."""
    began = time.monotonic()
    devices = block_devices(flavor)
    disks = blockinfo.get_disk_info(CONF.libvirt.virt_type, instance, image_meta, devices)
    injection = driver.InjectionInfo(network_info=network.NetworkInfo(), files=[], admin_pass=None)
    nova_driver._create_image(ctx, instance, disks["mapping"], injection_info=injection, block_device_info=devices)
    nova_driver._ensure_console_log_for_instance(instance)
    nova_driver._create_configdrive(ctx, instance, injection)
    return time.monotonic() - began


def create(cloud: Cloud, request: dict) -> list[float]:
    """The seconds of each of `count` instances, which are made at once, by green threads."""
    CONF.set_override("images_type", request["images_type"], group="libvirt")
    ctx = cloud.context()
    record = images.IMAGE_API.get(ctx, request["image"])  # nova-conductor's to do
    image_meta = objects.ImageMeta.from_dict(record)
    nova_driver = make_driver()
    flavor = request["flavor"]
    instances = [make_instance(ctx, record["id"], flavor, request["config_drive"]) for _ in range(request["count"])]
    pool = eventlet.GreenPool(len(instances))
    jobs = [pool.spawn(spawn, ctx, nova_driver, instance, image_meta, flavor) for instance in instances]
    return [job.wait() for job in jobs]


def prune(_cloud: Cloud, request: dict) -> list[float]:
    """The seconds of one pass of the image cache manager over instances with a root, an ephemeral and a swap disk."""
    ctx = context.get_admin_context()
    instances = [make_instance(ctx, image, {"root_gb": 10}, instance_uuid=instance) for instance, image in request["instances"]]
    for instance in instances:
        instance.vm_state, instance.task_state = "active", None
    mappings = {instance.uuid: objects.BlockDeviceMappingList(objects=[
        local_disk(ctx, instance, "/dev/vdb", None, 1), local_disk(ctx, instance, "/dev/vdc", "swap", 512)])
        for instance in instances}
    objects.BlockDeviceMappingList.bdms_by_instance_uuid = lambda _context, _uuids: mappings
    cache = imagecache.ImageCacheManager()
    began = time.monotonic()
    cache.update(ctx, instances)
    return [time.monotonic() - began]


def local_disk(ctx, instance, device: str, guest_format: str | None, size: int):
    return objects.BlockDeviceMapping(
        ctx, id=1, instance_uuid=instance.uuid, source_type="blank", destination_type="local", volume_size=size,
        guest_format=guest_format, device_name=device, device_type="disk", disk_bus="virtio", boot_index=-1,
        delete_on_termination=True, no_device=False, uuid=str(uuid.uuid4()), tag=None, attachment_id=None,
        volume_id=None, snapshot_id=None, image_id=None, connection_info=None, volume_type=None, encrypted=False,
        encryption_secret_uuid=None, encryption_format=None, encryption_options=None)


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    configure(sys.argv[1])
    answer_for_others()
    cloud = Cloud()
    print(json.dumps({"ready": nova.version.version_string_with_package()}), file=answers, flush=True)
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        CONF.set_override("instances_path", request["instances_path"])
        seconds = {"create": create, "prune": prune}[request["work"]](cloud, request)
        print(json.dumps({"seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
