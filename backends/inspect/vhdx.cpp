#include "backends/inspect/vhdx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string_view>
#include <vector>

#include "backends/inspect/crc32c.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/magic.hpp"
#include "backends/inspect/refusal.hpp"
#include "backends/inspect/taken_blocks.hpp"

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kSector = 512;
using Guid = std::string_view;  // 16 bytes as they stand in the file

constexpr std::string_view kSignature = "vhdxfile";
constexpr std::array<std::uint64_t, 2> kHeadersAt{kibibytes(64).count, kibibytes(128).count};
constexpr std::uint64_t kHeaderSize = kibibytes(4).count;
constexpr std::uint64_t kRegionTableAt = kibibytes(192).count;
constexpr std::uint64_t kTableSize = kibibytes(64).count;
constexpr std::uint64_t kHeadersEnd = mebibytes(1).count;
constexpr std::uint64_t kMaxEntries = 2047;  // of either table, by the specification

constexpr Guid kBlockTableRegion{"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08", 16};
constexpr Guid kMetadataRegion{"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e", 16};
constexpr Guid kFileParameters{"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b", 16};
constexpr Guid kVirtualDiskSize{"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8", 16};
constexpr Guid kDiskId{"\xab\x12\xca\xbe\xe6\xb2\x23\x45\x93\xef\xc3\x09\xe0\x00\xc7\x46", 16};
constexpr Guid kLogicalSectorSize{"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f", 16};
constexpr Guid kPhysicalSectorSize{"\xc7\x48\xa3\xcd\x5d\x44\x71\x44\x9c\xc9\xe9\x88\x52\x51\xc5\x56", 16};
constexpr Guid kParentLocator{"\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c", 16};

struct Regions {
  ByteRange block_table;
  ByteRange metadata;
};

ByteReader head_of(const ImageSample& sample) { return {sample.head(), ByteOrder::little, "the VHDX header"}; }

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::header, "its VHDX is broken: " + std::move(what), kFetchAgain);
}

// The checksum is computed with its own field, the four bytes at 4, as zeros.
bool checksum_holds(const ByteReader& bytes) {
  const std::span<const std::byte> all = bytes.bytes(0, bytes.size());
  std::vector<std::byte> copy(all.begin(), all.end());
  std::fill_n(copy.begin() + 4, 4, std::byte{0});
  return crc32c(copy) == bytes.u32(4);
}

// The header in force is the whole one with the higher sequence number; of two with the same one, they must be equal.
ByteReader current_header(const std::array<ByteReader, 2>& headers) {
  std::optional<ByteReader> current;
  for (const ByteReader& header : headers) {
    if (!header.holds(0, "head") || !checksum_holds(header)) continue;
    if (current && header.u64(8) == current->u64(8) && !header.holds(0, current->text(0, kHeaderSize))) {
      refuse_broken("its two headers contradict each other");
    }
    if (!current || header.u64(8) > current->u64(8)) current = header;
  }
  if (!current) refuse_broken("neither of its two headers is whole");
  return *current;
}

void check_header(const ByteReader& head) {
  const ByteReader header = current_header({head.part(kHeadersAt[0], kHeaderSize, "the first VHDX header"),
                                            head.part(kHeadersAt[1], kHeaderSize, "the second VHDX header")});
  if (header.u16(66) != 1) refuse_broken(fmt::format("its version is {}", header.u16(66)));
  if (!header.all_zero(48, 16)) {
    refuse(Check::features, "it was not closed properly (its VHDX log has to be replayed)",
           "open and close it with the program that wrote it, and upload it again");
  }
}

Regions regions_of(const ByteReader& table) {
  if (!table.holds(0, "regi") || !checksum_holds(table)) refuse_broken("the region table isn't whole");
  const std::uint64_t entries = table.u32(8);
  if (entries > kMaxEntries) refuse_broken(fmt::format("the region table has {} entries", entries));
  Regions regions;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const ByteReader entry = table.part(16 + i * 32, 32, "a VHDX region");
    const ByteRange range{entry.u64(16), entry.u32(24)};
    ByteRange* known = entry.holds(0, kBlockTableRegion) ? &regions.block_table
                       : entry.holds(0, kMetadataRegion) ? &regions.metadata
                                                         : nullptr;
    if (known == nullptr && (entry.u32(28) & 1) != 0)
      refuse(Check::features, "it has an unknown required VHDX region", kFlatten);
    if (known == nullptr) continue;
    if (known->length != 0) refuse_broken("a region is there twice");
    if (range.offset < kHeadersEnd || range.length == 0) refuse_broken("a region overlaps the header");
    *known = range;
  }
  if (regions.metadata.length == 0 || regions.block_table.length == 0) refuse_broken("a region is missing");
  if (overlap(regions.metadata, regions.block_table)) refuse_broken("its regions overlap");
  return regions;
}

Regions read_regions(const ByteReader& head) {
  return regions_of(head.part(kRegionTableAt, kTableSize, "the VHDX region table"));
}

void check_inside(std::string_view name, ByteRange range, std::uint64_t file_length) {
  if (range.offset > file_length || range.length > file_length - range.offset) {
    refuse(Check::truncated,
           fmt::format("it is truncated: {} of {} bytes at {} isn't inside the file of {} bytes", name, range.length,
                       range.offset, file_length),
           kFetchAgain);
  }
}

struct Metadata {
  std::uint64_t virtual_size = 0;
  std::uint32_t block_size = 0;
  std::uint32_t flags = 0;
  std::uint32_t sector_size = 0;
};

void read_item(const ByteReader& entry, const ByteReader& region, Metadata& metadata) {
  const std::uint64_t offset = entry.u32(16);
  if (entry.holds(0, kParentLocator))
    refuse(Check::backing_file, "it is a differencing VHDX, which has a parent image", kFlatten);
  if (entry.holds(0, kFileParameters)) {
    metadata.block_size = region.u32(offset);
    metadata.flags = region.u32(offset + 4);
  } else if (entry.holds(0, kVirtualDiskSize)) {
    metadata.virtual_size = region.u64(offset);
  } else if (entry.holds(0, kLogicalSectorSize)) {
    metadata.sector_size = region.u32(offset);
  } else if (!entry.holds(0, kDiskId) && !entry.holds(0, kPhysicalSectorSize) && (entry.u32(24) & 4) != 0) {
    refuse(Check::features, "it has unknown required VHDX metadata", kFlatten);
  }
}

Metadata read_metadata(const ByteReader& region) {
  if (!region.holds(0, "metadata")) refuse_broken("the metadata region has no table");
  const std::uint64_t entries = region.u16(10);
  if (entries > kMaxEntries) refuse_broken(fmt::format("the metadata table has {} entries", entries));
  Metadata metadata;
  std::vector<std::string_view> seen;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const ByteReader entry = region.part(32 + i * 32, 32, "a VHDX metadata entry");
    // Readers differ in which of two equal items they believe.
    if (std::ranges::find(seen, entry.text(0, 16)) != seen.end()) refuse_broken("a metadata item is there twice");
    seen.push_back(entry.text(0, 16));
    read_item(entry, region, metadata);
  }
  for (const Guid required : {kFileParameters, kVirtualDiskSize, kDiskId, kLogicalSectorSize, kPhysicalSectorSize}) {
    if (std::ranges::find(seen, required) == seen.end()) refuse_broken("a metadata item is missing");
  }
  return metadata;
}

// The block table interleaves one bitmap entry with as many block entries as a bitmap block has bits for.
std::uint64_t blocks_per_bitmap(std::uint64_t block_size) { return (std::uint64_t{1} << 23) * kSector / block_size; }

void check_metadata(const Metadata& metadata, const Regions& regions) {
  if ((metadata.flags & 2) != 0)
    refuse(Check::backing_file, "it is a differencing VHDX, which has a parent image", kFlatten);
  const std::uint64_t block = metadata.block_size;
  if (block < mebibytes(1).count || block > mebibytes(256).count || !std::has_single_bit(block)) {
    refuse_broken(fmt::format("the block size is {}", block));
  }
  if (metadata.sector_size == 4096) {
    refuse(Check::features, "it has sectors of 4096 bytes, which QEMU doesn't read in a VHDX", kFlatten);
  }
  if (metadata.sector_size != kSector) refuse_broken(fmt::format("the sector size is {}", metadata.sector_size));
  if (metadata.virtual_size % kSector != 0) {
    refuse_broken(fmt::format("the virtual size is {}", metadata.virtual_size));
  }
  const std::uint64_t blocks = metadata.virtual_size / block + (metadata.virtual_size % block != 0 ? 1 : 0);
  const std::uint64_t ratio = blocks_per_bitmap(block);
  const std::uint64_t entries = blocks == 0 ? 0 : blocks + (blocks - 1) / ratio;
  if (entries * 8 > regions.block_table.length) refuse_broken("the disk is larger than its block table");
}

// The second look: blocks must be whole in the file, and not where anything else is.
class BlockTable {
 public:
  explicit BlockTable(const ImageFile& file)
      : file_(file),
        regions_(read_regions()),
        log_(read_log()),
        block_size_(read_item(kFileParameters, 4)),
        virtual_size_(read_item(kVirtualDiskSize, 8)),
        taken_(file.length(), block_size_) {}

  void check() {
    if (log_.offset < kHeadersEnd || overlap(log_, regions_.metadata) || overlap(log_, regions_.block_table)) {
      refuse_broken("its log overlaps something else");
    }
    const NumberTable table{
        .offset = regions_.block_table.offset, .entries = regions_.block_table.length / 8, .order = ByteOrder::little};
    const std::uint64_t ratio = blocks_per_bitmap(block_size_);
    file_.for_each(table, [&](std::uint64_t position, std::uint64_t entry) {
      const bool is_bitmap = position % (ratio + 1) == ratio;
      check_entry(position, entry, is_bitmap, is_bitmap ? kBitmapSize : needed_of(position - position / (ratio + 1)));
    });
  }

 private:
  static constexpr std::uint64_t kBitmapSize = mebibytes(1).count;

  Regions read_regions() const {
    const std::vector<std::byte> bytes = file_.read({kRegionTableAt, kTableSize});
    return regions_of(ByteReader(bytes, ByteOrder::little, "the VHDX region table"));
  }

  ByteRange read_log() const {
    const std::vector<std::byte> first = file_.read({kHeadersAt[0], kHeaderSize});
    const std::vector<std::byte> second = file_.read({kHeadersAt[1], kHeaderSize});
    const ByteReader header = current_header({ByteReader(first, ByteOrder::little, "the first VHDX header"),
                                              ByteReader(second, ByteOrder::little, "the second VHDX header")});
    return {.offset = header.u64(72), .length = header.u32(68)};
  }

  // The first look has shown that the item is there, once, and its value acceptable.
  std::uint64_t read_item(Guid wanted, std::uint64_t width) const {
    const ByteRange region = regions_.metadata;
    const std::vector<std::byte> bytes = file_.read({region.offset, std::min(region.length, kTableSize)});
    const ByteReader table(bytes, ByteOrder::little, "the VHDX metadata table");
    for (std::uint64_t at = 32; table.has(at, 32); at += 32) {
      if (!table.holds(at, wanted)) continue;
      const std::vector<std::byte> item = file_.read({region.offset + table.u32(at + 16), width});
      const ByteReader value(item, ByteOrder::little, "a VHDX metadata item");
      return width == 4 ? value.u32(0) : value.u64(0);
    }
    refuse_broken("a metadata item is missing");
  }

  // QEMU ends the file with the disk, which may be within its last block.
  std::uint64_t needed_of(std::uint64_t block) const {
    const std::uint64_t last_byte = virtual_size_ - 1;
    return block == last_byte / block_size_ ? last_byte % block_size_ + 1 : block_size_;
  }

  // How it is there: the lowest three bits; where, in MiB: from bit 20.
  // `needed`: how much of the block has to be in the file.
  void check_entry(std::uint64_t position, std::uint64_t entry, bool is_bitmap, std::uint64_t needed) {
    constexpr std::uint64_t kFullyPresent = 6;
    constexpr std::uint64_t kPartiallyPresent = 7;  // the rest is in a parent image
    if ((entry & 7) == kPartiallyPresent) refuse_block(position, "partially present");
    if ((entry & 7) != kFullyPresent) return;
    const ByteRange block{entry >> 20 << 20, is_bitmap ? kBitmapSize : block_size_};
    if (!file_.holds({block.offset, needed})) {
      refuse(Check::truncated,
             fmt::format("it is truncated: block {} of the VHDX is said to be at {}, the file ends at {}", position,
                         block.offset, file_.length()),
             kFetchAgain);
    }
    const bool is_reserved = overlap(block, {0, kHeadersEnd}) || overlap(block, regions_.block_table) ||
                             overlap(block, regions_.metadata) || overlap(block, log_);
    if (is_reserved) refuse_block(position, "where a header, the log or a table is");
    if (!is_bitmap && !taken_.take(block.offset)) refuse_block(position, "where another one is");
  }

  [[noreturn]] static void refuse_block(std::uint64_t position, std::string_view where) {
    refuse(Check::tables, fmt::format("its VHDX is broken: block {} is said to be {}", position, where), kFetchAgain);
  }

  const ImageFile& file_;
  Regions regions_;
  ByteRange log_;
  std::uint64_t block_size_;
  std::uint64_t virtual_size_;
  TakenBlocks taken_;  // by blocks; only images with a parent have bitmaps
};

}  // namespace

bool Vhdx::matches(const ImageSample& sample) const { return begins_with(sample, kSignature); }

std::optional<ByteRange> Vhdx::window(const ImageSample& sample) const {
  return read_regions(head_of(sample)).metadata;
}

std::optional<Bytes> Vhdx::check(const ImageSample& sample, Findings& findings) const {
  const ByteReader head = head_of(sample);
  findings.check([&] { check_header(head); });
  return findings.value_of([&] {
    const Regions regions = read_regions(head);
    check_inside("the metadata region", regions.metadata, sample.length());
    check_inside("the block table", regions.block_table, sample.length());
    const Metadata metadata = read_metadata({sample.window(), ByteOrder::little, "the VHDX metadata region"});
    check_metadata(metadata, regions);
    return Bytes{metadata.virtual_size};
  });
}

void Vhdx::check_tables(const ImageFile& file, Findings& findings) const {
  findings.check([&] { BlockTable(file).check(); });
}

}  // namespace basecache::inspect
