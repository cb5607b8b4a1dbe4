#include "agent/metadata/ec2_tree.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace basecache;
using namespace basecache::metadata;
using nlohmann::json;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

json meta_data_of(const json& more, const model::DiskPlan& plan = {}) {
  json request = {{"uuid", kUuid}};
  request.update(more);
  DriveContents drive;
  add_ec2_tree(model::InstanceSpec::make(request), {.dhcp_domain = "novalocal", .plan = plan}, drive);
  REQUIRE(drive.size() == 2);
  CHECK(drive[0].path == "ec2/2009-04-04/meta-data.json");
  CHECK(drive[1].path == "ec2/latest/meta-data.json");
  CHECK(drive[0].contents == drive[1].contents);
  return json::parse(drive[0].contents);
}

// Of a request whose disks have been planned.
json mapping_of(const json& more) {
  json request = {{"uuid", kUuid}, {"image_ref", "file:///srv/i"}, {"flavor", {{"ephemeral_gb", 1}, {"swap", 8}}}};
  request.update(more);
  const auto spec = model::InstanceSpec::make(request);
  return meta_data_of(request, model::plan_disks(spec, {})).at("block-device-mapping");
}

}  // namespace

TEST_CASE("what the request doesn't say is what Nova writes for None") {
  CHECK(meta_data_of(json::object()) ==
        json::parse(R"({
    "ami-id": null, "ami-launch-index": 0, "ami-manifest-path": "FIX)"
                    R"(ME", "instance-id": ")" +
                    kUuid + R"(",
    "hostname": "server-)" +
                    kUuid + R"(.novalocal", "local-hostname": "server-)" + kUuid + R"(.novalocal",
    "public-hostname": "server-)" +
                    kUuid + R"(.novalocal", "local-ipv4": null, "public-ipv4": "", "reservation-id": null,
    "security-groups": [], "instance-type": null, "instance-action": "none", "placement": {"availability-zone": null},
    "block-device-mapping": {"ami": "sda1", "ephemeral0": "sda2", "root": "/dev/sda1", "swap": "sda3"}})"));
}

TEST_CASE("the EC2 tree says what the request said") {
  const json meta = meta_data_of(json::parse(R"({
    "hostname": "web", "availability_zone": "az1", "key_name": "mine", "key_data": "ssh-rsa A", "launch_index": 3,
    "reservation_id": "r-1", "security_groups": ["default", "web"], "flavor": {"name": "m1.small"},
    "ec2_ids": {"instance_id": "i-1f", "ami_id": "ami-2", "kernel_id": "aki-3", "ramdisk_id": "ari-4"},
    "network_info": [{"id": "p", "network": {"subnets": [
      {"cidr": "2001:db8::/64", "ips": [{"address": "2001:db8::5"}]},
      {"cidr": "10.0.0.0/24", "ips": [{"address": "10.0.0.5", "floating_ips": [{"address": "192.0.2.9"}]}]}]}}]})"));
  CHECK(meta.at("hostname") == "web.novalocal");
  CHECK(meta.at("placement").at("availability-zone") == "az1");
  CHECK(meta.at("public-keys") == json::parse(R"({"0": {"_name": "0=mine", "openssh-key": "ssh-rsa A"}})"));
  CHECK(meta.at("ami-launch-index") == 3);
  CHECK(meta.at("reservation-id") == "r-1");
  CHECK(meta.at("security-groups") == json::array({"default", "web"}));
  CHECK(meta.at("instance-type") == "m1.small");
  CHECK(meta.at("instance-id") == "i-1f");
  CHECK(meta.at("ami-id") == "ami-2");
  CHECK(meta.at("kernel-id") == "aki-3");
  CHECK(meta.at("ramdisk-id") == "ari-4");
  CHECK(meta.at("local-ipv4") == "10.0.0.5");
  CHECK(meta.at("public-ipv4") == "192.0.2.9");
}

TEST_CASE("a key without a name, and a name without a key") {
  CHECK(meta_data_of({{"key_data", "ssh-rsa A"}}).at("public-keys").at("0").at("openssh-key") == "ssh-rsa A");
  CHECK(meta_data_of({{"key_name", "mine"}}).at("public-keys").at("0").at("openssh-key").is_null());
}

TEST_CASE("devices are the request's, else those that were planned") {
  CHECK(mapping_of(json::object()) ==
        json::parse(R"({"ami": "vda", "root": "/dev/vda", "ephemeral0": "/dev/vdb", "swap": "/dev/vdc"})"));
  CHECK(mapping_of({{"block_device_info", json::parse(R"({"root_device_name": "/dev/sda",
          "ephemerals": [{"size": 1, "device_name": "/dev/sdb"}, {"size": 1, "device_name": "sdc"}],
          "swap": {"device_name": "/dev/sdd", "swap_size": 8},
          "block_device_mapping": [{"mount_device": "/dev/sdz"}, {"mount_device": "sdy"}]})")}}) ==
        json::parse(R"({"ami": "sda", "root": "/dev/sda", "ephemeral0": "/dev/sdb", "ephemeral1": "/dev/sdc",
                        "swap": "/dev/sdd", "ebs0": "/dev/sdy", "ebs1": "/dev/sdz"})"));
  CHECK(mapping_of({{"block_device_info", {{"ephemerals", {{{"size", 1}}}}}}}).at("ephemeral0") == "/dev/vdb");
  CHECK_FALSE(mapping_of({{"flavor", json::object()}}).contains("ephemeral0"));
}

TEST_CASE("a swap device of no size is none") {
  const json devices = {{"root_device_name", "/dev/vda"}, {"swap", {{"swap_size", 0}}}};
  CHECK_FALSE(meta_data_of({{"block_device_info", devices}}).at("block-device-mapping").contains("swap"));
}
