#include "agent/metadata/block_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metadata/json_text.hpp"

namespace basecache::metadata {
namespace {

using model::BlockDevices;
using model::DiskPlan;
using nlohmann::json;

std::string with_dev(const std::string& name) {
  return name.empty() || name.starts_with("/dev/") ? name : "/dev/" + name;
}
std::string without_dev(const std::string& name) { return name.starts_with("/dev/") ? name.substr(5) : name; }

// Where the plan puts a disk; "" where it has none of that name.
std::string planned(const DiskPlan& plan, std::string_view disk) {
  const auto found = std::ranges::find_if(plan.disks, [&](const model::DiskSpec& one) { return one.name == disk; });
  return found == plan.disks.end() ? "" : with_dev(found->device);
}

std::string named_or_planned(const std::string& name, const DiskPlan& plan, std::string_view disk) {
  return name.empty() ? planned(plan, disk) : with_dev(name);
}

void add_flavor_disks(const DiskPlan& plan, json& mapping) {
  if (const std::string device = planned(plan, "disk.local"); !device.empty()) mapping["ephemeral0"] = device;
  if (const std::string device = planned(plan, "disk.swap"); !device.empty()) mapping["swap"] = device;
}

void add_volumes(const BlockDevices& devices, json& mapping) {
  std::vector<std::string> volumes;
  for (const model::VolumeDevice& volume : devices.volumes) volumes.push_back(with_dev(volume.mount_device));
  std::ranges::sort(volumes);
  for (std::size_t i = 0; i < volumes.size(); ++i) mapping[fmt::format("ebs{}", i)] = volumes[i];
}

void add_blank_disks(const BlockDevices& devices, const DiskPlan& plan, json& mapping) {
  if (devices.swap && devices.swap->swap_mb != 0) {
    mapping["swap"] = text_or_null(named_or_planned(devices.swap->device_name, plan, "disk.swap"));
  }
  for (std::size_t i = 0; i < devices.ephemerals.size(); ++i) {
    mapping[fmt::format("ephemeral{}", i)] =
        text_or_null(named_or_planned(devices.ephemerals[i].device_name, plan, fmt::format("disk.eph{}", i)));
  }
}

}  // namespace

json block_device_mapping(const model::InstanceSpec& spec, const DiskPlan& plan) {
  const BlockDevices& devices = spec.block_device_info;
  const std::string root = with_dev(devices.root_device_name.empty() ? plan.root_device : devices.root_device_name);
  if (root.empty()) return {{"ami", "sda1"}, {"ephemeral0", "sda2"}, {"root", "/dev/sda1"}, {"swap", "sda3"}};
  json mapping = {{"ami", without_dev(root)}, {"root", root}};
  add_flavor_disks(plan, mapping);
  add_volumes(devices, mapping);
  add_blank_disks(devices, plan, mapping);
  return mapping;
}

}  // namespace basecache::metadata
