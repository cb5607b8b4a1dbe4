#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/json_fields.hpp"

namespace basecache::model {

enum class TaggedKind { nic, disk };

// A device that the guest is told the tags of (nova/objects/virt_device_metadata.py). Absent is not the same as empty.
struct TaggedDevice {
  TaggedKind kind = TaggedKind::nic;
  std::string bus = {};      // "pci", "usb", "scsi", "ide", "xen"; "": none
  std::string address = {};  // on the bus: "0000:00:02.0"; "": none
  std::optional<std::vector<std::string>> tags = {};

  std::string mac = {};  // of a nic, as are the two below
  std::optional<std::uint64_t> vlan = {};
  bool vf_trusted = false;

  std::optional<std::string> serial = {};  // of a disk
  std::optional<std::string> path = {};
};

// The field `name`, Nova's InstanceDeviceMetadata in plain words: {"devices": [{"type", "bus", "address", "tags",
// "mac", "vlan", "vf_trusted", "serial", "path"}]}. Error(invalid_request).
std::vector<TaggedDevice> read_device_metadata(JsonFields& fields, std::string_view name);

}  // namespace basecache::model
