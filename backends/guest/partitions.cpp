#include "backends/guest/partitions.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "agent/base/little_endian.hpp"

namespace basecache::guest {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::size_t kBootEntriesAt = 446;
constexpr std::size_t kBootEntryBytes = 16;
constexpr std::size_t kBootEntries = 4;
constexpr unsigned kFirstLogical = 5;
constexpr unsigned kProtective = 0xee;
constexpr unsigned kMostLogical = 60;
// Linux takes 256; the tables of all disks that are made have 128 entries.
constexpr std::uint32_t kMostGuidEntries = 256;
constexpr std::uint32_t kSmallestGuidEntry = 128;
constexpr std::uint32_t kLargestGuidEntry = 4096;

using Block = std::array<std::byte, kBlock>;

bool holds(std::span<const std::byte> bytes, std::size_t at, std::string_view what) {
  return std::memcmp(bytes.subspan(at, what.size()).data(), what.data(), what.size()) == 0;
}

bool read_block(const DiskView& disk, std::uint64_t number, Block& block) {
  if (number >= disk.size() / kBlock) return false;
  disk.read(number * kBlock, block);
  return true;
}

// In blocks.
struct BootEntry {
  unsigned type = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  bool is_extended() const { return type == 0x05 || type == 0x0f || type == 0x85; }
};

BootEntry boot_entry(const Block& record, std::size_t number) {
  const auto bytes = std::span(record).subspan(kBootEntriesAt + number * kBootEntryBytes, kBootEntryBytes);
  return {.type = std::to_integer<unsigned>(bytes[4]),
          .first = number_at<std::uint32_t>(bytes, 8),
          .count = number_at<std::uint32_t>(bytes, 12)};
}

class Collector {
 public:
  explicit Collector(const DiskView& disk) : disk_(disk) {}

  void add(unsigned number, std::uint64_t first, std::uint64_t count) {
    const std::uint64_t blocks = disk_.size() / kBlock;
    if (first == 0 || count == 0 || first >= blocks || count > blocks - first) return;
    found_.push_back({number, first * kBlock, count * kBlock});
  }

  // Each extended record names one partition, from itself, and the next record, from the first one.
  void follow(std::uint64_t chain) {
    std::uint64_t at = chain;
    Block record{};
    unsigned number = kFirstLogical;
    for (unsigned i = 0; i < kMostLogical && read_block(disk_, at, record) && holds(record, 510, "\x55\xaa"); ++i) {
      const BootEntry here = boot_entry(record, 0);
      const BootEntry next = boot_entry(record, 1);
      // As Linux counts (block/partitions/msdos.c): a record without a partition takes no number.
      if (here.count != 0 && !here.is_extended()) add(number++, at + here.first, here.count);
      if (!next.is_extended() || next.first == 0) return;
      at = chain + next.first;
    }
  }

  std::vector<Partition> take() && { return std::move(found_); }

 private:
  const DiskView& disk_;
  std::vector<Partition> found_;
};

std::vector<Partition> boot_partitions(const DiskView& disk, const Block& record) {
  Collector found(disk);
  for (std::size_t i = 0; i < kBootEntries; ++i) {
    const BootEntry entry = boot_entry(record, i);
    if (entry.type == 0) continue;
    if (!entry.is_extended()) found.add(static_cast<unsigned>(i + 1), entry.first, entry.count);
  }
  for (std::size_t i = 0; i < kBootEntries; ++i) {
    const BootEntry entry = boot_entry(record, i);
    if (entry.is_extended() && entry.first != 0) {
      found.follow(entry.first);
      break;
    }
  }
  return std::move(found).take();
}

std::vector<Partition> guid_partitions(const DiskView& disk, const Block& header) {
  const auto table_at = number_at<std::uint64_t>(header, 72);
  const auto entries = std::min(number_at<std::uint32_t>(header, 80), kMostGuidEntries);
  const auto entry_bytes = number_at<std::uint32_t>(header, 84);
  if (entry_bytes < kSmallestGuidEntry || entry_bytes > kLargestGuidEntry || table_at >= disk.size() / kBlock)
    return {};
  std::vector<std::byte> table(std::size_t{entries} * entry_bytes);
  if (table.size() > disk.size() - table_at * kBlock) return {};
  disk.read(table_at * kBlock, table);
  Collector found(disk);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const auto entry = std::span<const std::byte>(table).subspan(std::size_t{i} * entry_bytes, kSmallestGuidEntry);
    const auto first = number_at<std::uint64_t>(entry, 32);
    const auto last = number_at<std::uint64_t>(entry, 40);
    const bool is_used = !std::ranges::all_of(entry.first(16), [](std::byte byte) { return byte == std::byte{0}; });
    if (is_used && last >= first && last - first < disk.size()) found.add(i + 1, first, last - first + 1);
  }
  return std::move(found).take();
}

// What is left of a GUID table under a boot record that is meant isn't one.
bool has_protective_entry(const Block& record) {
  for (std::size_t i = 0; i < kBootEntries; ++i) {
    if (boot_entry(record, i).type == kProtective) return true;
  }
  return false;
}

}  // namespace

std::vector<Partition> read_partitions(const DiskView& disk) {
  Block record{};
  if (!read_block(disk, 0, record) || !holds(record, 510, "\x55\xaa")) return {};
  Block header{};
  if (has_protective_entry(record) && read_block(disk, 1, header) && holds(header, 0, "EFI PART"))
    return guid_partitions(disk, header);
  return boot_partitions(disk, record);
}

}  // namespace basecache::guest
