#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/base/write_behind.hpp"

namespace basecache::lvm {

// From `begin` up to, not including, `end`; bytes of a device.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// How far into a device the work is.
using Reached = std::function<void(Bytes)>;

// A volume's block device, open for us: nobody has it mounted and no other device stands on it. What is written goes to
// the disk soon and leaves memory then, so that a large volume doesn't push everybody else's pages out of it.
class VolumeDevice {
 public:
  // So much is done between two looks at a cancellation.
  static constexpr std::uint64_t kWindow = std::uint64_t{32} << 20;

  // Error(in_use), Error(not_found), Error(storage_unusable). `path` may be a link (LVM's are); a plain file does too.
  explicit VolumeDevice(const Path& path);

  const Path& path() const { return path_; }
  Bytes size() const { return size_; }

  // Error(storage_unusable) when there is less.
  void read(std::span<std::byte> out, std::uint64_t offset) const;
  void write(std::span<const std::byte> bytes, std::uint64_t offset);

  // Makes the range read as zeros: by the device itself where it can (BLKZEROOUT), else by writing them. Never by a
  // discard, after which a device may show anything.
  void zero(ByteRange range, const Reached& reached, const OpContext& op);

  // What was written is on the disk, and out of memory; Error when the device lost any of it since it was opened.
  void sync() const;

 private:
  void zero_window(ByteRange range);
  bool zero_out(ByteRange range);
  void write_zeros(ByteRange range);

  Path path_;
  UniqueFd fd_;
  Bytes size_;
  WriteBehind behind_;
  bool can_zero_out_ = true;
};

}  // namespace basecache::lvm
