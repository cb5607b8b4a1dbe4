#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "backends/lvm/lvm_report.hpp"
#include "backends/lvm/volume_device.hpp"

namespace basecache::lvm {

// [libvirt] volume_clear.
enum class ClearMethod {
  none,   // the next owner of the space finds what is there
  zero,   // zeros
  shred,  // three times random bytes, as `shred -n3`
};

struct ClearPolicy {
  ClearMethod method = ClearMethod::zero;
  Bytes size = {};  // [libvirt] volume_clear_size, from the volume's beginning; 0: all of it
};

// Overwrites what a volume holds, on the disk when it returns; each pass of shred is on the disk before the next. Of a
// volume that reads as zeros where nobody wrote, what reads as zeros is left alone: overwriting it would take space
// from its pool, or break a sparse volume whose store has no room for that. `reached` and `op` as in write_volume.
// Error(in_use) while somebody has it mounted or stacked.
void clear_volume(const Path& device, Unwritten unwritten, const ClearPolicy& policy, const Reached& reached,
                  const OpContext& op);

}  // namespace basecache::lvm
