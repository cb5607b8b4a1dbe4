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
  std::string instance;  // uuid
  std::string disk;      // "disk", "disk.swap" ...
  Path path;             // as a guest is given it; of an encrypted one that isn't open: the volume itself
  Bytes size = {};
  DiskIo io = DiskIo::automatic;
  bool is_staged = false;  // being made or removed, or left by who died doing it
  bool is_open = false;    // by a guest, or whoever else reads or writes the disk; never one that is staged
};

// Whose volumes they are.
struct VolumeOwner {
  model::InstanceId instance;
  std::string key_id = {};  // what they are encrypted with; "": they aren't
};

// Where instance disks are volumes (LVM). They are made at place().staged by a DiskBackend.
class VolumeStore {
 public:
  virtual ~VolumeStore() = default;

  // Every instance's; none where no volume group is configured.
  virtual std::vector<DiskVolume> volumes(const OpContext& op) = 0;

  // Where that disk's volume is, or would be. Error(invalid_request) where no volume group is configured.
  virtual DiskPlace place(const VolumeOwner& owner, const std::string& disk) const = 0;

  // From its staged place to the one where it is visible. Error(already_exists).
  virtual void publish(const DiskPlace& place, const OpContext& op) = 0;

  // Progress step "clear", subject: the disk's name. Out of sight first; what a guest may have written is wiped before
  // its space is free, as configured. Cut off, it can be asked for again. An absent one is success. Error(in_use) while
  // somebody has it open: then nothing was done.
  virtual void remove(const DiskVolume& volume, const OpContext& op) = 0;
};

std::vector<DiskVolume> volumes_of(VolumeStore& store, const std::string& instance, const OpContext& op);

// Whether it could be removed; what can't be is left to the next creation or deletion of its instance, which tells.
bool remove_if_possible(VolumeStore& store, const DiskVolume& volume, const OpContext& op);

}  // namespace basecache::provision
