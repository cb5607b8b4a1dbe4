#include "agent/metadata/device_list.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "agent/metadata/openstack_versions.hpp"

namespace basecache::metadata {
namespace {

using model::TaggedDevice;
using model::TaggedKind;
using nlohmann::json;

std::string or_none(const std::string& text) { return text.empty() ? "none" : text; }

json nic_entry(const TaggedDevice& device, std::string_view version) {
  json entry = {{"type", "nic"}, {"mac", device.mac}};
  if (version >= kOcata && device.vlan) entry["vlan"] = *device.vlan;
  if (version >= kRocky) entry["vf_trusted"] = device.vf_trusted;
  return entry;
}

json disk_entry(const TaggedDevice& device) {
  json entry = {{"type", "disk"}};
  if (device.serial) entry["serial"] = *device.serial;
  if (device.path) entry["path"] = *device.path;
  return entry;
}

// A nic of which there is nothing to tell but that it is there isn't told.
bool is_told(const TaggedDevice& device, const json& entry) {
  return device.kind == TaggedKind::disk || device.tags || entry.contains("vlan") || entry.contains("vf_trusted");
}

}  // namespace

json device_list(const std::vector<TaggedDevice>& devices, std::string_view version) {
  json list = json::array();
  for (const TaggedDevice& device : devices) {
    json entry = device.kind == TaggedKind::nic ? nic_entry(device, version) : disk_entry(device);
    if (!is_told(device, entry)) continue;
    entry["bus"] = or_none(device.bus);
    entry["address"] = or_none(device.address);
    if (device.tags) entry["tags"] = *device.tags;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace basecache::metadata
