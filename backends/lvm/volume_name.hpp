#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace basecache::lvm {

// The names of volume groups and volumes, as Nova gives them and as LVM takes them (lvm(8), VALID NAMES). Pure. Every
// name goes through here before it becomes a part of a command line or of a path.

// What a volume is to us.
struct InstanceVolume {
  std::string instance;     // uuid
  std::string disk;         // "disk", "disk.swap" ...
  bool is_staged = false;   // being made or removed, or left by who died doing it
  bool is_growing = false;  // a whole disk whose new part isn't zeros yet

  friend bool operator==(const InstanceVolume&, const InstanceVolume&) = default;
};

// "<uuid>_<disk>" with every underscore of the disk's name doubled, as Nova's Lvm image backend; ".staged" or
// ".growing" behind it while the disk is made or grows. Error(invalid_request) for what is no uuid, or a disk that LVM
// can't have in a name.
std::string volume_name(const InstanceVolume& volume);

// The other way round; nothing for a volume that is no instance's, or of a name that we would not give.
std::optional<InstanceVolume> parse_volume_name(std::string_view name);

// Error(invalid_request) unless LVM takes the name for a volume group. `option`: where it was written, for the message.
void check_group_name(std::string_view group, std::string_view option);
// The same of a volume in that group: device-mapper has one name for both, of 127 bytes at most.
void check_volume_name(std::string_view group, std::string_view volume);

}  // namespace basecache::lvm
