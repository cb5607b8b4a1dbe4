#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "backends/inspect/byte_range.hpp"
#include "backends/inspect/byte_reader.hpp"
#include "backends/inspect/kept_range.hpp"

namespace basecache::inspect {

// What an inspection keeps of an image that passes by: its first bytes, its last bytes, its length, a few sectors
// between them, and one range that the first bytes asked for. Memory: head + tail + kMaxWindow at most, whatever the
// image says.
class ImageSample {
 public:
  // Every structure that is found by a fixed offset lies in here; the last are the VHDX region tables (to 320 KiB).
  static constexpr std::uint64_t kHeadSize = kibibytes(512).count;
  // Footers: VHD and DMG 512 bytes, VMDK 1536 bytes.
  static constexpr std::uint64_t kTailSize = kibibytes(2).count;
  // The VHDX metadata region.
  static constexpr std::uint64_t kMaxWindow = mebibytes(1).count;

  static constexpr std::uint64_t kSectorSize = 512;
  // Where the second header of a LUKS2 may stand behind the head.
  static constexpr std::array<std::uint64_t, 4> kSecondLuksHeaders{kibibytes(512).count, mebibytes(1).count,
                                                                   mebibytes(2).count, mebibytes(4).count};

  ImageSample();

  void feed(std::span<const std::byte> bytes);
  // Keeps that range too (cut to kMaxWindow). Once, before a byte behind the head is fed that lies in it.
  void keep(ByteRange window);

  std::uint64_t length() const { return length_; }
  // No more bytes will change head().
  bool head_complete() const { return head_.size() == kHeadSize; }
  std::span<const std::byte> head() const { return head_; }
  // The last bytes, at most kTailSize.
  std::span<const std::byte> tail() const;
  // What of the kept range has passed.
  std::span<const std::byte> window() const { return window_ ? window_->bytes() : std::span<const std::byte>{}; }
  // What of the sector at `offset` has passed, if it is in the head or one of kSecondLuksHeaders.
  std::span<const std::byte> sector(std::uint64_t offset) const;

 private:
  void feed_tail(std::span<const std::byte> bytes);

  std::vector<std::byte> head_;
  std::vector<std::byte> tail_;  // up to twice kTailSize, so that a byte at a time doesn't move it each time
  std::vector<KeptRange> sectors_;
  std::optional<KeptRange> window_;
  std::uint64_t length_ = 0;
};

}  // namespace basecache::inspect
