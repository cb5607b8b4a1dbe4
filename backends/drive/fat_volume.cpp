#include "backends/drive/fat_volume.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "agent/base/little_endian.hpp"
#include "agent/model/drive_format.hpp"
#include "backends/drive/drive_files.hpp"
#include "backends/drive/fat_format.hpp"

namespace basecache::drive {
namespace {

constexpr std::uint32_t kMostOfFat12 = 4084;  // clusters
constexpr std::uint32_t kMostOfFat16 = 65524;
constexpr std::size_t kBootSector = 512;

// What the first sector says, in sectors where nothing else is said.
struct Geometry {
  explicit Geometry(std::span<const std::byte> boot)
      : sector_bytes(number_at<std::uint16_t>(boot, 11)),
        cluster_sectors(number_at<std::uint8_t>(boot, 13)),
        reserved(number_at<std::uint16_t>(boot, 14)),
        tables(number_at<std::uint8_t>(boot, 16)),
        root_entries(number_at<std::uint16_t>(boot, 17)),
        sectors(number_at<std::uint16_t>(boot, 19)),
        table_sectors(number_at<std::uint16_t>(boot, 22)) {
    if (sectors == 0) sectors = number_at<std::uint32_t>(boot, 32);
    is_fat32 = table_sectors == 0;
    if (is_fat32) table_sectors = number_at<std::uint32_t>(boot, 36);
    const bool is_known = std::has_single_bit(sector_bytes) && sector_bytes >= 512 && sector_bytes <= 4096 &&
                          std::has_single_bit(cluster_sectors) && reserved > 0 && tables > 0 && sectors > 0;
    if (!is_known || (is_fat32 && root_entries != 0)) throw unreadable("its first sector makes no sense");
  }

  std::uint64_t bytes(std::uint64_t count) const { return count * sector_bytes; }
  std::uint64_t root_sectors() const { return (root_entries * fat::kEntrySize + sector_bytes - 1) / sector_bytes; }
  std::uint64_t first_of_root() const { return reserved + std::uint64_t{tables} * table_sectors; }
  std::uint64_t first_of_clusters() const { return first_of_root() + root_sectors(); }

  std::uint32_t sector_bytes, cluster_sectors, reserved, tables, root_entries, sectors, table_sectors;
  bool is_fat32 = false;
};

}  // namespace

FatVolume::FatVolume(std::span<const std::byte> medium) {
  if (medium.size() < kBootSector) throw unreadable("it is shorter than a sector");
  const Geometry geometry(medium);
  if (geometry.bytes(geometry.sectors) > medium.size()) throw unreadable("it is shorter than its file system");
  if (geometry.first_of_clusters() > geometry.sectors) throw unreadable("its tables are larger than itself");
  cluster_bytes_ = geometry.cluster_sectors * geometry.sector_bytes;
  cluster_count_ =
      static_cast<std::uint32_t>((geometry.sectors - geometry.first_of_clusters()) / geometry.cluster_sectors);
  kind_ = geometry.is_fat32 ? Kind::fat32 : cluster_count_ <= kMostOfFat12 ? Kind::fat12 : Kind::fat16;
  if (kind_ == Kind::fat16 && cluster_count_ > kMostOfFat16) throw unreadable("it has too many clusters");
  table_ = medium.subspan(geometry.bytes(geometry.reserved), geometry.bytes(geometry.table_sectors));
  root_ = medium.subspan(geometry.bytes(geometry.first_of_root()), geometry.bytes(geometry.root_sectors()));
  clusters_ = medium.subspan(geometry.bytes(geometry.first_of_clusters()));
  if (kind_ == Kind::fat32) root_cluster_ = number_at<std::uint32_t>(medium, 44);
  is_taken_.resize(cluster_count_);
}

std::vector<std::byte> FatVolume::root() {
  if (kind_ == Kind::fat32) return chain(root_cluster_);
  return {root_.begin(), root_.end()};
}

std::vector<std::byte> FatVolume::chain(std::uint32_t first) {
  return read(first, std::numeric_limits<std::uint64_t>::max());
}

std::vector<std::byte> FatVolume::chain(std::uint32_t first, std::uint32_t size) {
  if (size == 0) return {};
  std::vector<std::byte> bytes = read(first, size);
  if (bytes.size() < size) throw unreadable("a file ends before its size");
  bytes.resize(size);
  return bytes;
}

std::vector<std::byte> FatVolume::read(std::uint32_t first, std::uint64_t most) {
  std::vector<std::byte> bytes;
  for (std::uint32_t cluster = first; bytes.size() < most && !is_end(cluster); cluster = next(cluster)) {
    const auto taken = take(cluster);
    bytes.insert(bytes.end(), taken.begin(), taken.end());
  }
  return bytes;
}

std::span<const std::byte> FatVolume::take(std::uint32_t cluster) {
  if (cluster < fat::kFirstCluster || cluster - fat::kFirstCluster >= cluster_count_) {
    throw unreadable("a file leads out of it");
  }
  const std::size_t index = cluster - fat::kFirstCluster;
  if (is_taken_[index]) throw unreadable("files share a cluster, or one leads back to itself");
  is_taken_[index] = true;
  return clusters_.subspan(index * cluster_bytes_, cluster_bytes_);
}

bool FatVolume::is_end(std::uint32_t cluster) const {
  switch (kind_) {
    case Kind::fat12:
      return cluster >= 0xff8;
    case Kind::fat16:
      return cluster >= 0xfff8;
    case Kind::fat32:
      return cluster >= 0x0ffffff8;
  }
  return true;
}

std::uint32_t FatVolume::next(std::uint32_t cluster) const {
  const std::size_t offset = kind_ == Kind::fat12   ? cluster + cluster / 2
                             : kind_ == Kind::fat16 ? std::size_t{cluster} * 2
                                                    : std::size_t{cluster} * 4;
  const std::size_t width = kind_ == Kind::fat32 ? 4 : 2;
  if (offset + width > table_.size()) throw unreadable("its table is too short");
  if (kind_ == Kind::fat32) return number_at<std::uint32_t>(table_, offset) & 0x0fffffff;
  const std::uint32_t entry = number_at<std::uint16_t>(table_, offset);
  if (kind_ == Kind::fat16) return entry;
  return cluster % 2 == 0 ? entry & 0xfff : entry >> 4;
}

}  // namespace basecache::drive
