"""The files of the config drive, as Nova's own InstanceMetadata and ConfigDriveBuilder write them and as they are on ours.

Each row is one instance; every version's directory is compared, JSON by its values and everything else byte by byte. Nova
is run once for all of them, in a process of its own (nova_metadata.py); of ours, the command line makes each drive. Skips
where python3-nova isn't installed. What is known to differ:

- random_seed: drawn anew each time, by Nova for each version too. Its length is compared.
- "broadcast None" in the network file, of networks of one or two addresses: Python's word for nothing, which ifup refuses.
  Ours leaves the line out.
- instance-id in the EC2 tree where the request has no ec2_ids: Nova's database always knows one; ours is the uuid. Nova is
  told that one here.
- Devices in the EC2 tree that ours has no name for (NOT_NAMED): the flavor's swap where a volume stands in its place, which
  isn't made (test_disk_plan.py), but which Nova has on the next device; on a rescue's drive the flavor's disks, which Nova's
  database knows and a rescue's request doesn't tell.
- An empty user_data is none: Nova, which can hold "" in its database, writes an empty file.
"""

import base64
import gzip
import json
import subprocess
import unittest
from pathlib import Path

import images
from harness import ROOT, new_uuid, tool
from image_story import ImageStory
from nova_process import PYTHON, require_nova

PROGRAM = Path(__file__).with_name("nova_metadata.py")
PATIENCE = 300
VERSIONS = ["2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
            "2020-10-14", "latest"]
MAC = "fa:16:3e:00:00:01"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def ip(address: str, **more) -> dict:
    return {"address": address, "type": None, "version": 6 if ":" in address else 4, "meta": {}, **more}


def subnet(cidr: str, *addresses: str, gateway: str | None = None, dns=(), routes=(), floating=(), **meta) -> dict:
    fixed = [ip(address, type="fixed", floating_ips=[ip(other, type="floating") for other in floating])
             for address in addresses]
    return {"cidr": cidr, "version": 6 if ":" in cidr else 4, "gateway": gateway and ip(gateway), "ips": fixed,
            "dns": [ip(server, type="dns") for server in dns], "meta": meta,
            "routes": [{"cidr": to, "gateway": ip(over), "interface": None, "meta": {}} for to, over in routes]}


def port(*subnets: dict, number: int = 1, meta: dict | None = None, **more) -> dict:
    network = {"id": f"net-{number}", "bridge": "br-int", "label": "private", "subnets": list(subnets),
               "meta": {"injected": False, "tenant_id": "t", "mtu": 1450, **(meta or {})}}
    return {"id": f"port-{number}", "address": f"fa:16:3e:00:00:{number:02x}", "network": network, "type": "ovs",
            "details": {"port_filter": True}, "devname": f"tap{number}", "ovs_interfaceid": f"port-{number}",
            "qbh_params": None, "qbg_params": None, "active": True, "vnic_type": "normal", "profile": {},
            "preserve_on_delete": False, "delegate_create": True, "meta": {}, **more}


V4 = subnet("10.0.0.0/24", "10.0.0.5", gateway="10.0.0.1", dns=["8.8.8.8", "1.1.1.1"])
V6 = subnet("2001:db8::/64", "2001:db8::5", gateway="2001:db8::1", dns=["2001:db8::53"])
INJECTED = {"injected": True}
BINARY = bytes(range(256)) * 9

DEVICES = [
    {"type": "nic", "bus": "pci", "address": "0000:00:02.0", "mac": MAC, "tags": ["public"], "vlan": 7, "vf_trusted": True},
    {"type": "nic", "bus": "pci", "mac": "FA:16:3E:00:00:02", "tags": []},
    {"type": "nic", "mac": "fa:16:3e:00:00:03"},
    {"type": "nic", "mac": "fa:16:3e:00:00:04", "vlan": 0},
    {"type": "disk", "bus": "scsi", "address": "1:0:2:0", "serial": "s-1", "path": "/dev/sda", "tags": ["data", "fast"]},
    {"type": "disk", "bus": "usb", "address": "0:1"},
    {"type": "disk", "bus": "ide", "address": "0:1", "serial": "ide"},
    {"type": "disk", "bus": "xen", "address": "000200", "path": "/dev/xvdb"},
    {"type": "disk", "tags": ["none"]},
]

SSH = {"key_name": "mine", "key_data": "ssh-ed25519 AAAAC3Nza me@here\n"}

# A name, a request, options of [api].
ROWS = [
    ("nothing said", {}, {}),
    ("an ssh key and all names", {
        **SSH, "name": "Web 1", "availability_zone": "az1", "project_id": "p1", "launch_index": 3, "reservation_id": "r-1",
        "security_groups": ["default", "web"], "metadata": {"role": "web", "n": "1"}}, {}),
    ("an x509 key", {"key_name": "cert", "key_data": "-----BEGIN CERTIFICATE-----\nMII\n", "key_type": "x509",
                     "hostname": "given"}, {}),
    ("the name of a key that is gone", {"key_name": "gone"}, {}),
    ("no domain", {"name": "web_2.example", "hostname": ""}, {"dhcp_domain": ""}),
    ("a domain of its own", {"name": "--Web--", **SSH}, {"dhcp_domain": "guests.example.org"}),
    ("names outside ASCII", {
        "name": "W\u00e4b \u4e2d\u6587 \U0001f600 \u00d7", "metadata": {"\u00fcber": "\u4e2d", "\u2028": "\"\\\u007f"},
        "admin_pass": "p\u00e4ss\"word", "key_name": "schl\u00fcssel", "key_data": "ssh-rsa A \u00e9"}, {}),
    ("a name of which no hostname can be made", {"name": "\u4e2d\u6587", "admin_pass": "secret"}, {}),
    ("user data of text, files", {
        "user_data": encoded(b"#cloud-config\nruncmd: [ls]\n"), "injected_files": [
            {"path": "/etc/motd", "contents": encoded(b"hello\n")}, {"path": "/etc/empty", "contents": ""},
            {"path": "/bin/\u00e4", "contents": encoded(BINARY)}]}, {}),
    ("user data compressed", {"user_data": encoded(gzip.compress(b"#!/bin/sh\n" * 999, mtime=0))}, {}),
    ("user data binary, the largest", {"user_data": encoded((BINARY * 29)[:49149])}, {}),
    ("a port with static addresses, floating ones, routes", {"network_info": [port(
        subnet("10.0.0.0/24", "10.0.0.5", "10.0.0.6", gateway="10.0.0.1", dns=["8.8.8.8"], floating=["192.0.2.9", "192.0.2.10"],
               routes=[("192.168.7.9/16", "10.0.0.9"), ("0.0.0.0/0", "10.0.0.2"), ("10.9.9.9/32", "10.0.0.3")]), V6)]}, {}),
    ("ports with DHCP and every mode of IPv6", {"network_info": [
        port(subnet("10.0.0.0/24", "10.0.0.5", gateway="10.0.0.1", dhcp_server="10.0.0.2"), number=1),
        *(port({**V6, "meta": {"ipv6_address_mode": mode, "dhcp_server": server}}, number=number)
          for number, (mode, server) in enumerate([
              ("slaac", None), ("dhcpv6-stateful", "2001:db8::2"), ("dhcpv6-stateless", ""), (None, "2001:db8::2")], 2))]}, {}),
    ("ports of every type", {"network_info": [
        port(V4, V6, number=number, type=kind, **more) for number, (kind, more) in enumerate([
            ("bridge", {}), ("hw_veb", {"details": {"vlan": "7"}, "vnic_type": "direct", "profile": {"trusted": "true"}}),
            ("macvtap", {"devname": None}), ("unbound", {"address": None}), (None, {"devname": ""}), ("vhostuser", {})], 1)]}, {}),
    ("ports without network, subnet, address, of two subnets", {"network_info": [
        {"id": "bare"}, port(number=2), port(subnet("10.0.0.0/24", gateway="10.0.0.1", dns=["8.8.8.8"]), number=3),
        port(subnet("10.1.0.0/16"), V4, subnet("10.2.0.0/16", "10.2.0.9", floating=["192.0.2.3"]), number=4),
        port({**V4, "gateway": {"address": None}, "dns": V4["dns"] * 2}, number=5, meta={"mtu": None}), port(V4, number=6)]}, {}),
    ("networks that are injected, and a file behind theirs", {
        "injected_files": [{"path": "/etc/motd", "contents": encoded(b"hello\n")}],
        "network_info": [port(V4, V6, number=1, meta=INJECTED), port(V4, number=2),
                         port(subnet("10.3.0.0/23", "10.3.1.7", routes=[("10.9.0.0/16", "10.3.0.2")]), number=3, meta=INJECTED),
                         port(V6, number=4, meta=INJECTED), port(subnet("10.4.0.0/31", "10.4.0.1"), number=5, meta=INJECTED),
                         port(subnet("10.5.0.0/24", "10.5.0.5", dhcp_server="10.5.0.2"), number=6, meta=INJECTED),
                         port(subnet("10.6.0.0/24"), number=7, meta=INJECTED)]}, {}),
    ("a network described by somebody else, with a bond and a VLAN", {"network_info": [port(V4)], "network_data": {
        "links": [{"id": "eth0", "type": "phy", "ethernet_mac_address": MAC},
                  {"id": "bond0", "type": "bond", "bond_links": ["eth0"], "bond_mode": "802.3ad"},
                  {"id": "vlan1", "type": "vlan", "vlan_link": "bond0", "vlan_id": 101, "vlan_mac_address": MAC}],
        "networks": [{"id": "n", "link": "vlan1", "type": "ipv4_dhcp"}], "services": []}}, {}),
    ("devices with tags, dedicated processors", {"device_metadata": {"devices": DEVICES}, "dedicated_cpus": [9, 4, 1, 12]}, {}),
    ("vendor data of a file and of services", {
        "vendor_data": {"cloud-init": "#cloud-config\n", "n": [1, 2.5, None, True, "\u00e4"]},
        "vendor_data2": {"static": {"cloud-init": "#cloud-config\n", "n": [1, 2.5, None, True, "\u00e4"]},
                         "first": {"a": {"b": -1}}, "second": {}}}, {}),
    ("vendor data of a file", {"vendor_data": {"a": 1}}, {}),
    ("disks of the flavor, names of EC2", {
        "flavor": {"ephemeral_gb": 1, "swap": 8, "name": "m1.large"},
        "ec2_ids": {"instance_id": "i-0000001f", "ami_id": "ami-2", "kernel_id": "aki-3", "ramdisk_id": "ari-4"}}, {}),
    ("block devices that are named", {"block_device_info": {
        "root_device_name": "/dev/vda", "ephemerals": [{"size": 1, "device_name": "/dev/vdb"}, {"size": 1, "device_name": "/dev/vdc"}],
        "swap": {"device_name": "/dev/vdd", "swap_size": 8},
        "block_device_mapping": [{"mount_device": "/dev/vdz"}, {"mount_device": "/dev/vdk"}]}}, {}),
    ("block devices that are not", {"flavor": {"swap": 8}, "block_device_info": {"root_device_name": "/dev/sda", "ephemerals": [{"size": 1}, {"size": 1}]}}, {}),
]

# What, a request, the devices that only Nova's EC2 tree has.
NOT_NAMED = [
    ("a volume in the place of swap", {"flavor": {"swap": 8}, "block_device_info": {
        "block_device_mapping": [{"mount_device": "/dev/vdb"}]}}, ["swap"]),
    ("a rescue", {"suffix": ".rescue", "flavor": {"ephemeral_gb": 1, "swap": 8}, "block_device_info": {
        "root_device_name": "/dev/vda", "block_device_mapping": [{"mount_device": "/dev/vdf"}]}}, ["ephemeral0", "swap"]),
]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def comparable(test: unittest.TestCase, files: dict[str, bytes]) -> dict:
    """By path: the value of JSON without its seed, and the bytes of everything else."""
    values: dict[str, object] = {}
    for path, content in files.items():
        if not path.endswith(".json"):
            values[path] = content.replace(b"    broadcast None\n", b"")
            continue
        content.decode("ascii")
        value = json.loads(content)
        if "random_seed" in value:
            test.assertEqual(len(base64.b64decode(value.pop("random_seed"), validate=True)), 512)
            value["random_seed"] = "512 bytes"
        values[path] = value
    return values


class NovaMetadata(ImageStory):
    def setUp(self) -> None:
        require_nova()
        super().setUp()
        self.image = self.file_url(images.qcow2())

    def request(self, told: dict) -> dict:
        return {"uuid": new_uuid(), "image_ref": self.image, "config_drive": True, **told,
                "flavor": {"name": "m1.tiny", **told.get("flavor", {})}}

    def novas(self, asked: list[dict]) -> list[dict[str, bytes]]:
        state = self.scratch / "nova"
        state.mkdir()
        for number, one in enumerate(asked):
            one["folder"] = str(state / str(number))
        done = subprocess.run([PYTHON, PROGRAM, state], input=json.dumps(asked), text=True, capture_output=True, timeout=PATIENCE,
                              env=self.environment(HOME="/dev/null", PYTHONPATH=f"{ROOT / 'tests/bench'}:{PROGRAM.parent}"))
        if done.returncode != 0:
            self.fail(f"Nova's code can't do it: {done.stderr[-4000:]}")
        return [files_of(Path(one["folder"])) for one in asked]

    def ours(self, request: dict, options: dict) -> dict[str, bytes]:
        spec, target = self.scratch / "spec.json", self.scratch / "drives" / request["uuid"]
        spec.write_text(json.dumps(request))
        made = self.cli("--standalone", "create", "--config-drive", "--spec", spec, config=self.config(api=options))
        self.assertEqual(made.code, 0, made.err)
        target.parent.mkdir(exist_ok=True)
        drive = self.instances_path / request["uuid"] / ("disk.config" + request.get("suffix", ""))
        tool("xorriso", "-osirrox", "on", "-indev", drive, "-extract", "/", target)
        return files_of(target)

    def test_each_file_of_each_version_is_what_nova_writes(self):
        self.assertGreaterEqual(len(ROWS), 20)
        asked = [{"request": self.request(told), "options": options} for _, told, options in ROWS]
        theirs = self.novas(asked)
        for (name, _, _), one, nova_files in zip(ROWS, asked, theirs, strict=True):
            with self.subTest(name):
                expected = comparable(self, nova_files)
                found = comparable(self, self.ours(one["request"], one["options"]))
                self.assertEqual(sorted(found), sorted(expected))
                for path in sorted(expected):
                    self.assertEqual(found[path], expected[path], path)
                directories = {path.split("/")[1] for path in expected if path.startswith("openstack/")} - {"content"}
                self.assertEqual(sorted(directories), VERSIONS)

    def test_what_the_ec2_tree_has_no_name_for(self):
        asked = [{"request": self.request(told), "options": {}} for _, told, _ in NOT_NAMED]
        for (name, _, missing), one, nova_files in zip(NOT_NAMED, asked, self.novas(asked), strict=True):
            with self.subTest(name):
                expected = comparable(self, nova_files)
                for path in ("ec2/2009-04-04/meta-data.json", "ec2/latest/meta-data.json"):
                    for device in missing:
                        del expected[path]["block-device-mapping"][device]
                self.assertEqual(comparable(self, self.ours(one["request"], {})), expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
