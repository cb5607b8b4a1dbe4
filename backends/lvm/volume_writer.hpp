#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "backends/lvm/lvm_report.hpp"
#include "backends/lvm/volume_device.hpp"

namespace basecache::lvm {

// A raw base file.
struct RawBase {
  Path path;
  Bytes size;  // virtual: the file's length
};

// A new volume that nobody has written to, or what stands on one.
struct WriteTarget {
  Path device;
  // What the device reads as before. What stands on dm-crypt is `unknown`, whatever is below.
  Unwritten unwritten = Unwritten::unknown;
};

// Makes the device hold the base file, and zeros behind it up to the device's end. Where the base file has a hole, or
// zeros, a device that reads as zeros there is left alone; any other is zeroed, so that nobody reads what another
// tenant left there. `reached` is told how far into the device it is, after each block at most 32 MiB on; `op` is
// checked there. On the disk when it returns.
//
// Error(disk_too_small) when the device is smaller than the base file; on any failure the content is undefined.
void write_volume(const RawBase& base, const WriteTarget& target, const Reached& reached, const OpContext& op);

}  // namespace basecache::lvm
