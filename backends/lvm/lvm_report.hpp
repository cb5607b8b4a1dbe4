#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache::lvm {

// What lvm's JSON reports say (lvmreport(7), lvs(8)): {"report": [{"lv": [{"lv_name": "...", ...}]}]}, every value a
// string. Pure. Error(tool_failed) for a report that can't be understood, naming the field.

// Of group_report_argv.
struct GroupSpace {
  Bytes free;
  Bytes extent;  // sizes of volumes are multiples of it

  friend bool operator==(const GroupSpace&, const GroupSpace&) = default;
};

// Nothing when the report lists no group: there is none of that name.
std::optional<GroupSpace> parse_group_report(std::string_view json);

enum class VolumeKind {
  linear,  // all of its space is its own
  sparse,  // a copy-on-write store over zeros
  thin,    // takes its space from a pool
  pool,    // a thin pool
  other,   // nothing that we make: snapshots, mirrors, caches ...
};

// What a device says where nobody has written since its volume was made: another tenant's old blocks, if that isn't
// known to be zeros.
enum class Unwritten { unknown, zeros };

struct Volume {
  std::string name;
  Path device;  // "/dev/<group>/<name>"; of a pool: empty
  VolumeKind kind = VolumeKind::other;
  Bytes size;                                // of a pool: of what it gives away
  Unwritten unwritten = Unwritten::unknown;  // zeros: sparse ones, pools that zero and their thin ones
  bool is_broken = false;                    // a sparse one whose store ran full: every read and write fails
  bool is_open = false;                      // by a guest, a mount, a device that stands on it, or nobody knows
  Bytes free = {};                           // of a pool: what it hasn't given away
  std::vector<std::string> tags = {};

  friend bool operator==(const Volume&, const Volume&) = default;
};

// Of volume_report_argv: every volume that LVM shows by itself.
std::vector<Volume> parse_volume_report(std::string_view json);

}  // namespace basecache::lvm
