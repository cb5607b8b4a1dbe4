#include "agent/model/device_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "agent/model/checked_fields.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

constexpr std::size_t kMostDevices = 128;
constexpr std::size_t kMostTags = 64;
constexpr std::uint64_t kLargestVlan = 4095;
constexpr std::array<std::string_view, 5> kBuses{"pci", "usb", "scsi", "ide", "xen"};

TaggedKind kind_of(JsonFields& fields) {
  const std::string word = fields.required_text("type", 64);
  if (word == "nic") return TaggedKind::nic;
  if (word == "disk") return TaggedKind::disk;
  throw bad_field(fields.path_of("type"), quote(word, 40) + " is neither 'nic' nor 'disk'");
}

std::string bus_of(JsonFields& fields) {
  std::string bus = plain_text(fields, "bus", 64);
  if (!bus.empty() && std::ranges::find(kBuses, bus) == kBuses.end()) {
    throw bad_field(fields.path_of("bus"), fmt::format("{} is not one of {}", quote(bus, 40), fmt::join(kBuses, ", ")));
  }
  return bus;
}

bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !is_hex(text.substr(i, 1), 1)) return false;
  }
  return true;
}

// As Nova's MACAddressField has it, whatever its letters and what stands between them.
std::string mac_of(JsonFields& fields) {
  const std::string given = fields.required_text("mac", 64);
  std::string mac = lower_case(given);
  std::ranges::replace(mac, '-', ':');
  if (!is_mac(mac)) {
    throw bad_field(fields.path_of("mac"), quote(given, 40) + " is not a MAC address like 'fa:16:3e:00:00:01'");
  }
  return mac;
}

void read_nic(JsonFields& fields, TaggedDevice& device) {
  device.mac = mac_of(fields);
  device.vlan = fields.number("vlan", kLargestVlan);
  device.vf_trusted = fields.boolean("vf_trusted").value_or(false);
}

TaggedDevice read_device(const json& value, const std::string& path) {
  JsonFields fields(value, path);
  TaggedDevice device{.kind = kind_of(fields), .bus = bus_of(fields), .address = plain_text(fields, "address", 64)};
  if (device.bus.empty() && !device.address.empty()) {
    throw bad_field(fields.path_of("address"), "is given, but no bus that it is on");
  }
  if (fields.array("tags", kMostTags) != nullptr) device.tags = read_list(fields, "tags", kMostTags, text_item);
  if (device.kind == TaggedKind::nic) {
    read_nic(fields, device);
  } else {
    device.serial = fields.text("serial", kLongestName);
    device.path = fields.text("path", kLongestName);
  }
  fields.finish();
  return device;
}

}  // namespace

std::vector<TaggedDevice> read_device_metadata(JsonFields& fields, std::string_view name) {
  const json* value = fields.object(name);
  if (value == nullptr) return {};
  JsonFields inside(*value, fields.path_of(name));
  std::vector<TaggedDevice> devices = read_list(inside, "devices", kMostDevices, read_device);
  inside.finish();
  return devices;
}

}  // namespace basecache::model
