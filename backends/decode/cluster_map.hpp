#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/decode/inflater.hpp"

namespace basecache::decode {

// What of a qcow2 header says where its data is (QEMU's docs/interop/qcow2.txt).
struct Geometry {
  std::uint32_t cluster_bits = 16;  // 9 to 21
  bool extended_l2 = false;
  bool has_zero_flag = true;  // since version 3
  Compression compression = Compression::zlib;
  std::uint64_t virtual_size = 0;
  std::uint64_t l1_offset = 0;
  std::uint32_t l1_entries = 0;

  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits; }
  std::uint64_t entries_per_table() const { return cluster_size() / (extended_l2 ? 16 : 8); }
  std::uint64_t guest_bytes_per_table() const { return entries_per_table() * cluster_size(); }
  // L2 tables, that is: entries of the L1 table that tell of the disk.
  std::uint64_t tables() const {
    return virtual_size / guest_bytes_per_table() + (virtual_size % guest_bytes_per_table() != 0 ? 1 : 0);
  }
};

// `header`: the first bytes of the file, at least 112 of them, or all of a shorter file. Error(image_unacceptable) for
// what has no place in a base file: another format, a backing file, encryption, a data file, unknown features.
Geometry read_geometry(std::span<const std::byte> header);
inline constexpr std::size_t kHeaderLength = 112;  // with the compression type of version 3

// A piece of the guest's disk that isn't zero, and where it stands in the file.
struct Extent {
  std::uint64_t guest = 0;
  std::uint64_t host = 0;
  std::uint64_t host_length = 0;
  std::uint32_t guest_length = 0;  // as host_length, but for a compressed cluster
  bool compressed = false;

  std::uint64_t host_end() const { return host + host_length; }
  bool operator==(const Extent&) const = default;
};

// How many times smaller a cluster can become: deflate's limit by its authors, and zstd's blocks of 128 KiB that are
// one byte again and again, of four bytes each.
std::uint64_t best_ratio(Compression compression);

// Where an L1 entry says its L2 table is; 0: nowhere. Error(image_unacceptable) when it isn't a cluster.
std::uint64_t l2_table_offset(const Geometry& geometry, std::uint64_t l1_entry);

// The extents of L2 table number `index` in the order of their places in the file, neighbours joined up to 1 MiB.
// Nothing reaches behind the virtual size. Error(image_unacceptable) for an entry that QEMU takes for damage.
std::vector<Extent> extents_of(const Geometry& geometry, std::uint64_t index, std::span<const std::byte> table);

}  // namespace basecache::decode
