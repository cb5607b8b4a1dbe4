#pragma once

#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/disk_backend.hpp"

namespace basecache::provision {

// A disk of an instance that is a block device.
struct DiskVolume {
  std::string disk;  // "disk", "disk.swap" ...
  Bytes size;
  bool is_staged = false;  // being made, or left by who died making it
};

// Where instance disks are volumes (LVM). They are made at place().staged by a DiskBackend.
class VolumeStore {
 public:
  virtual ~VolumeStore() = default;

  // Where that disk's volume is, or would be. Error(invalid_request) where no volume group is configured.
  virtual DiskPlace place(const model::InstanceId& instance, const std::string& disk) const = 0;

  // All that the instance has; none where no volume group is configured.
  virtual std::vector<DiskVolume> volumes_of(const model::InstanceId& instance, const OpContext& op) = 0;

  // From its staged place to the one where it is visible. Error(already_exists).
  virtual void publish(const DiskPlace& place, const OpContext& op) = 0;

  // What it holds is wiped before, as configured. An absent one is success. Error(in_use) while a guest has it open.
  virtual void remove(const Path& volume, const OpContext& op) = 0;
};

}  // namespace basecache::provision
