#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/byte_size.hpp"
#include "backends/inspect/byte_reader.hpp"
#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// The fields of a qcow2 header, of version 2 or 3, as they stand there (QEMU's docs/interop/qcow2.txt). Nothing is
// checked but that they are all there.
struct Qcow2Header {
  static constexpr std::uint64_t kLengthOfVersion2 = 72;
  static constexpr std::uint64_t kLengthOfVersion3 = 104;

  // Incompatible feature bits.
  static constexpr std::uint64_t kDirty = 1;
  static constexpr std::uint64_t kCorrupt = 2;
  static constexpr std::uint64_t kDataFile = 4;
  static constexpr std::uint64_t kCompressionType = 8;
  static constexpr std::uint64_t kExtendedL2 = 16;

  // Autoclear feature bits.
  static constexpr std::uint64_t kBitmaps = 1;
  static constexpr std::uint64_t kDataFileRaw = 2;

  std::uint32_t version = 0;
  std::uint64_t backing_offset = 0;
  std::uint32_t backing_size = 0;
  std::uint32_t cluster_bits = 0;
  std::uint64_t virtual_size = 0;
  std::uint32_t crypt_method = 0;
  std::uint32_t l1_entries = 0;
  std::uint64_t l1_offset = 0;
  std::uint64_t refcount_offset = 0;
  std::uint32_t refcount_clusters = 0;
  std::uint32_t snapshots = 0;
  std::uint64_t snapshots_offset = 0;
  std::uint64_t incompatible = 0;
  std::uint64_t autoclear = 0;
  std::uint32_t refcount_order = 4;
  std::uint32_t header_length = kLengthOfVersion2;
  std::uint8_t compression = 0;

  // `bytes`: the beginning of the file, big-endian. May throw Refusal: truncated, another version.
  static Qcow2Header read(const ByteReader& bytes);

  // These need cluster_bits of 9 to 21.
  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits; }
  bool extended_l2() const { return (incompatible & kExtendedL2) != 0; }
  std::uint64_t l2_entries() const { return cluster_size() / (extended_l2() ? 16 : 8); }
  ByteRange l1_table() const { return {l1_offset, std::uint64_t{l1_entries} * 8}; }
  ByteRange refcount_table() const { return {refcount_offset, refcount_clusters * cluster_size()}; }
};

}  // namespace basecache::inspect
