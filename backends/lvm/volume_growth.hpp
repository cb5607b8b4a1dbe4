#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "backends/lvm/lvm_report.hpp"
#include "backends/lvm/volume_device.hpp"
#include "backends/lvm/volume_group.hpp"

namespace basecache::lvm {

// Whether a call of grow_volume was cut short: then it has the name of a volume that grows (volume_name).
bool is_growing(const Volume& volume);
// Its name when it doesn't.
std::string visible_name(const Volume& volume);

// Makes a volume `size`, rounded up to whole extents, with zeros behind its old end; returns what it is then. Does
// nothing when it is that large. Until its new part is known to be zeros nobody finds it under its own name, so that no
// guest reads what lay there, or writes what would be zeroed after it; and it has a tag with its old size
// ("basecache.own=<bytes>"), so that the next call goes on where one was cut short. `reached` and `op` as in
// write_volume. Errors as VolumeGroup::extend; Error(in_use) when a guest or a device has it open.
Volume grow_volume(const VolumeGroup& group, const Volume& volume, Bytes size, const Reached& reached,
                   const OpContext& op);

}  // namespace basecache::lvm
