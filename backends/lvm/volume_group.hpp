#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "backends/lvm/lvm_argv.hpp"
#include "backends/lvm/lvm_report.hpp"

namespace basecache::lvm {

struct GroupSettings {
  std::string name;  // [libvirt] images_volume_group
  Allocation allocation = Allocation::linear;
  std::string thin_pool = {};  // [basecache] lvm_thin_pool, of Allocation::thin
};

// A volume to be made.
struct NewVolume {
  std::string name;
  Bytes size;            // rounded up to whole extents of the group
  Bytes data = {};       // what is going to be written at once: sparse and thin volumes must have room for it
  std::string tag = {};  // "": none
};

// One LVM volume group and what is done to its volumes, by the programs of lvm2.
//
// LVM locks its metadata itself, so this may be used by several threads and beside other programs. Sizes are what LVM
// made of them: what was asked, rounded up to whole extents (4 MiB by default).
//
// A command that changes something isn't killed when its operation is cancelled (run_uninterrupted). What it has made
// stays; the caller removes it.
//
// Every call: Error(storage_unusable) when there is no such volume group, Error(tool_failed) with LVM's words.
class VolumeGroup {
 public:
  // Error(invalid_request) for names that LVM can't have.
  explicit VolumeGroup(GroupSettings settings);

  const std::string& name() const { return settings_.name; }
  // All space of a volume is its own from the start.
  bool is_linear() const { return settings_.allocation == Allocation::linear; }

  std::vector<Volume> volumes(const OpContext& op) const;
  // Nothing when the group has no such volume.
  std::optional<Volume> find(std::string_view volume, const OpContext& op) const;

  // Makes it as the settings say, active, and tells what was made. Its content is whatever lay there, but for
  // Volume::unwritten. Error(no_space) with what is needed and what is free, Error(already_exists),
  // Error(storage_unusable) when there is no such thin pool.
  Volume create(const NewVolume& volume, const OpContext& op) const;

  // Error(already_exists) when there is one of the new name.
  void rename(const std::string& from, const std::string& to, const OpContext& op) const;

  // Makes it `size`, or does nothing when it is that large; its new part holds whatever lay there: see volume_growth.
  // Error(no_space) with both numbers. Error(invalid_request): a sparse one, whose size LVM can't change.
  Volume extend(const Volume& volume, Bytes size, const OpContext& op) const;

  // Error(no_space) with both numbers when it can't be made that large.
  void require_room_to_grow(const Volume& volume, Bytes size, const OpContext& op) const;

  // The one of that name. Error(not_found).
  Volume required(const std::string& volume, const OpContext& op) const;

  // Makes its device appear, after a start of the host that didn't.
  void activate(const std::string& volume, const OpContext& op) const;

  // What LVM makes of a size.
  Bytes whole_extents(Bytes size, const OpContext& op) const;

  // An absent one is success. Error(in_use) while somebody has it open.
  void remove(const std::string& volume, const OpContext& op) const;

  void add_tag(const std::string& volume, const std::string& tag, const OpContext& op) const;
  void remove_tag(const std::string& volume, const std::string& tag, const OpContext& op) const;

 private:
  GroupSpace space(const OpContext& op) const;
  Volume pool(const OpContext& op) const;
  Argv room_checked_argv(const NewVolume& volume, const OpContext& op) const;
  std::string report(Argv argv, const OpContext& op) const;

  GroupSettings settings_;
};

}  // namespace basecache::lvm
