#include "agent/metadata/ec2_tree.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "agent/metadata/block_mapping.hpp"
#include "agent/metadata/hostname.hpp"
#include "agent/metadata/json_text.hpp"
#include "agent/metadata/ssh_key.hpp"

namespace basecache::metadata {
namespace {

using model::InstanceSpec;
using nlohmann::json;

constexpr std::array<std::string_view, 2> kEc2Versions{"2009-04-04", "latest"};

// "" where there is none.
std::string first_fixed_v4(const InstanceSpec& spec) {
  for (const model::Vif& vif : spec.network_info) {
    for (const model::Subnet& subnet : vif.network.subnets) {
      if (subnet.cidr.version() == 4 && !subnet.ips.empty()) return subnet.ips.front().address;
    }
  }
  return "";
}

std::string first_floating(const InstanceSpec& spec) {
  for (const model::Vif& vif : spec.network_info) {
    for (const model::Subnet& subnet : vif.network.subnets) {
      for (const model::FixedIp& ip : subnet.ips) {
        if (!ip.floating_ips.empty()) return ip.floating_ips.front();
      }
    }
  }
  return "";
}

void add_image_ids(const model::Ec2Ids& ids, json& meta) {
  meta["ami-id"] = text_or_null(ids.ami_id);
  if (!ids.kernel_id.empty()) meta["kernel-id"] = ids.kernel_id;
  if (!ids.ramdisk_id.empty()) meta["ramdisk-id"] = ids.ramdisk_id;
}

void add_key(const InstanceSpec& spec, json& meta) {
  const std::string name = key_name_of(spec);
  if (name.empty()) return;
  // The name is for the metadata service's listings; Nova means to leave it out of config drives, and doesn't.
  meta["public-keys"] = {{"0", {{"_name", "0=" + name}, {"openssh-key", text_or_null(spec.key_data)}}}};
}

json meta_data_of(const InstanceSpec& spec, const MetadataContext& context) {
  const std::string hostname = hostname_of(spec, context.dhcp_domain);
  json meta = {{"ami-launch-index", spec.launch_index},
               {"ami-manifest-path",
                "FIX"
                "ME"},  // in Nova it is never filled in
               // Nova always has an EC2 name for an instance. Of one without, the uuid tells it from others, as guests
               // want to know whether this is their first boot.
               {"instance-id", spec.ec2_ids.instance_id.empty() ? spec.uuid.text() : spec.ec2_ids.instance_id},
               {"hostname", hostname},
               {"local-hostname", hostname},
               {"public-hostname", hostname},
               {"local-ipv4", text_or_null(first_fixed_v4(spec))},
               {"public-ipv4", first_floating(spec)},
               {"reservation-id", text_or_null(spec.reservation_id)},
               {"security-groups", spec.security_groups},
               {"instance-type", text_or_null(spec.flavor.name)},
               {"instance-action", "none"},
               {"block-device-mapping", block_device_mapping(spec, context.plan)},
               {"placement", {{"availability-zone", text_or_null(spec.availability_zone)}}}};
  add_image_ids(spec.ec2_ids, meta);
  add_key(spec, meta);
  return meta;
}

}  // namespace

void add_ec2_tree(const InstanceSpec& spec, const MetadataContext& context, DriveContents& drive) {
  const std::string meta_data = json_text(meta_data_of(spec, context));
  for (const std::string_view version : kEc2Versions) {
    if (!spec.user_data.empty()) drive.push_back({fmt::format("ec2/{}/user-data", version), spec.user_data});
    drive.push_back({fmt::format("ec2/{}/meta-data.json", version), meta_data});
  }
}

}  // namespace basecache::metadata
