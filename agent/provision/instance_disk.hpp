#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/model/instance_spec.hpp"
#include "agent/provision/disk_backend.hpp"
#include "agent/provision/instance_image.hpp"

namespace basecache::provision {

// One disk of an instance, as answers name it.
struct InstanceDisk {
  std::string name;
  Path path;
  std::string format;     // QEMU's name; "iso9660" or "vfat" for a config drive
  Bytes size = {};        // virtual
  std::string base = {};  // cache key; "" for a config drive, and for a kept disk
  DiskIo io = DiskIo::automatic;
  bool is_volume = false;  // a block device
  std::string how;         // hit, joined, built (its base file); kept; made (config drive)
};

struct InstanceDisks {
  model::InstanceId uuid;
  std::vector<InstanceDisk> disks;
  std::optional<InstanceImage> image = {};  // what it keeps of its image; only shown
};

}  // namespace basecache::provision
