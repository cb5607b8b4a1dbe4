#include "backends/decode/cluster_map.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"

namespace basecache::decode {
namespace {

constexpr std::uint64_t kOffsetMask = 0x00fffffffffffe00;  // of L1 and standard L2 entries
constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;
constexpr std::uint64_t kZeroFlag = 1;
constexpr std::uint64_t kSector = 512;
constexpr std::uint32_t kSubclusters = 32;
constexpr std::uint64_t kMostJoined = 1 << 20;

constexpr std::uint64_t kCompressionTypeBit = 8;
constexpr std::uint64_t kExtendedL2Bit = 16;

Error damaged(std::string why) {
  return Error(ErrorCode::image_unacceptable, "cannot decode qcow2: " + std::move(why))
      .set_hint("the image is damaged or of a kind that has no place in a cache: upload it again");
}

std::uint64_t big_endian(std::span<const std::byte> bytes, std::size_t at, std::size_t width) {
  if (at + width > bytes.size()) throw damaged("it ends in its header");
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < width; ++i) number = number << 8 | static_cast<std::uint64_t>(bytes[at + i]);
  return number;
}

void read_version3(std::span<const std::byte> header, Geometry& geometry) {
  const std::uint64_t incompatible = big_endian(header, 72, 8);
  if ((incompatible & ~(kCompressionTypeBit | kExtendedL2Bit)) != 0) {
    throw damaged(fmt::format("its incompatible features are {:#x}", incompatible));
  }
  geometry.extended_l2 = (incompatible & kExtendedL2Bit) != 0;
  if ((incompatible & kCompressionTypeBit) == 0) return;
  const std::uint64_t type = big_endian(header, 104, 1);
  if (type > 1) throw damaged(fmt::format("its compression type is {}", type));
  geometry.compression = type == 1 ? Compression::zstd : Compression::zlib;
}

void require_possible(const Geometry& geometry) {
  if (geometry.cluster_bits < 9 || geometry.cluster_bits > 21) {
    throw damaged(fmt::format("its clusters have 2^{} bytes", geometry.cluster_bits));
  }
  if (geometry.extended_l2 && geometry.cluster_bits < 14) throw damaged("its subclusters are too small");
  if (geometry.l1_offset % geometry.cluster_size() != 0) throw damaged("its L1 table isn't at the start of a cluster");
  if (geometry.l1_offset > kOffsetMask) throw damaged("its L1 table is nowhere");
  constexpr std::uint64_t kMostL1 = 32 << 20;  // bytes (QCOW_MAX_L1_SIZE)
  if (geometry.l1_entries > kMostL1 / 8) throw damaged("its L1 table is too large");
  if (geometry.l1_entries < geometry.tables()) throw damaged("its L1 table is too small for its virtual size");
}

// One L2 table being read into extents.
class TableReader {
 public:
  TableReader(const Geometry& geometry, std::uint64_t index)
      : geometry_(geometry), first_guest_(index * geometry.guest_bytes_per_table()) {}

  std::vector<Extent> read(std::span<const std::byte> table) && {
    const std::size_t width = geometry_.extended_l2 ? 16 : 8;
    for (std::size_t i = 0; i < geometry_.entries_per_table(); ++i) {
      const std::uint64_t guest = first_guest_ + i * geometry_.cluster_size();
      if (guest >= geometry_.virtual_size) break;
      const std::uint64_t entry = big_endian(table, i * width, 8);
      if ((entry & kCompressed) != 0) {
        add_compressed(guest, entry);
      } else if (geometry_.extended_l2) {
        add_subclusters(guest, entry, big_endian(table, i * width + 8, 8));
      } else {
        add_standard(guest, entry);
      }
    }
    std::ranges::sort(extents_, {}, &Extent::host);
    return std::move(extents_);
  }

 private:
  void add_compressed(std::uint64_t guest, std::uint64_t entry) {
    const std::uint32_t offset_bits = 62 - (geometry_.cluster_bits - 8);
    const std::uint64_t host = entry & ((std::uint64_t{1} << offset_bits) - 1);
    const std::uint64_t more_sectors = (entry & (kCompressed - 1)) >> offset_bits;
    extents_.push_back({.guest = guest,
                        .host = host,
                        .host_length = (more_sectors + 1) * kSector - host % kSector,
                        .guest_length = clipped(guest, geometry_.cluster_size()),
                        .compressed = true});
  }

  void add_standard(std::uint64_t guest, std::uint64_t entry) {
    const std::uint64_t host = cluster_at(entry);
    if (host == 0 || (geometry_.has_zero_flag && (entry & kZeroFlag) != 0)) return;
    add_plain(guest, host, geometry_.cluster_size());
  }

  void add_subclusters(std::uint64_t guest, std::uint64_t entry, std::uint64_t bitmap) {
    const std::uint64_t host = cluster_at(entry);
    const std::uint64_t size = geometry_.cluster_size() / kSubclusters;
    const auto allocated = static_cast<std::uint32_t>(bitmap);
    const auto zero = static_cast<std::uint32_t>(bitmap >> 32);
    if ((allocated & zero) != 0) throw damaged("a subcluster is both allocated and zero");
    if (host == 0 && allocated != 0) throw damaged("a subcluster is allocated nowhere");
    for (std::uint32_t i = 0; i < kSubclusters; ++i) {
      if ((allocated >> i & 1) == 0 || guest + i * size >= geometry_.virtual_size) continue;
      add_plain(guest + i * size, host + i * size, size);
    }
  }

  std::uint64_t cluster_at(std::uint64_t entry) const {
    const std::uint64_t host = entry & kOffsetMask;
    if (host % geometry_.cluster_size() != 0) throw damaged("a cluster isn't at a multiple of the clusters' size");
    return host;
  }

  void add_plain(std::uint64_t guest, std::uint64_t host, std::uint64_t length) {
    const std::uint32_t clip = clipped(guest, length);
    if (!extents_.empty()) {
      Extent& last = extents_.back();
      const bool continues = !last.compressed && last.guest + last.guest_length == guest && last.host_end() == host;
      if (continues && last.host_length + clip <= kMostJoined) {
        last.host_length += clip;
        last.guest_length += clip;
        return;
      }
    }
    extents_.push_back({.guest = guest, .host = host, .host_length = clip, .guest_length = clip});
  }

  std::uint32_t clipped(std::uint64_t guest, std::uint64_t length) const {
    return static_cast<std::uint32_t>(std::min(length, geometry_.virtual_size - guest));
  }

  const Geometry& geometry_;
  std::uint64_t first_guest_;
  std::vector<Extent> extents_;
};

}  // namespace

Geometry read_geometry(std::span<const std::byte> header) {
  constexpr std::uint64_t kMagic = 0x514649fb;
  const std::uint64_t version = big_endian(header, 4, 4);
  if (big_endian(header, 0, 4) != kMagic || (version != 2 && version != 3)) throw damaged("it is something else");
  if (big_endian(header, 8, 8) != 0) throw damaged("it has a backing file");
  if (big_endian(header, 32, 4) != 0) throw damaged("it is encrypted");
  Geometry geometry{.cluster_bits = static_cast<std::uint32_t>(big_endian(header, 20, 4)),
                    .has_zero_flag = version >= 3,
                    .virtual_size = big_endian(header, 24, 8),
                    .l1_offset = big_endian(header, 40, 8),
                    .l1_entries = static_cast<std::uint32_t>(big_endian(header, 36, 4))};
  if (version >= 3) read_version3(header, geometry);
  require_possible(geometry);
  return geometry;
}

std::uint64_t best_ratio(Compression compression) { return compression == Compression::zlib ? 1032 : 32'768; }

std::uint64_t l2_table_offset(const Geometry& geometry, std::uint64_t l1_entry) {
  const std::uint64_t offset = l1_entry & kOffsetMask;
  if (offset % geometry.cluster_size() != 0) throw damaged("an L2 table isn't at a multiple of the clusters' size");
  return offset;
}

std::vector<Extent> extents_of(const Geometry& geometry, std::uint64_t index, std::span<const std::byte> table) {
  return TableReader(geometry, index).read(table);
}

}  // namespace basecache::decode
