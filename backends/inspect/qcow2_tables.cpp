#include "backends/inspect/qcow2_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kOffsetMask = 0x00ff'ffff'ffff'fe00;
constexpr std::uint64_t kL1Reserved = 0x7f00'0000'0000'01ff;
constexpr std::uint64_t kCopied = std::uint64_t{1} << 63;  // never of a compressed cluster
constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;
constexpr std::uint64_t kReadsAsZeros = 1;  // version 3; in an extended entry the bitmap says that
constexpr std::uint64_t kL2Reserved = 0x3f00'0000'0000'01fe;
// QEMU's limits are 65535 bitmaps and 64 MiB for their directory; people keep a few.
constexpr std::uint32_t kMaxBitmaps = 1024;
// How much smaller a cluster can become: deflate's limit by its authors, and zstd's blocks of 128 KiB that are one byte
// again and again, of four bytes each.
constexpr std::uint64_t kBestDeflate = 1032;
constexpr std::uint64_t kBestZstd = 32'768;

[[noreturn]] void refuse_entry(std::string what) {
  refuse(Check::tables, "its qcow2 tables are broken: " + std::move(what), kFetchAgain);
}

// As many as there are clusters of a bit for each 2^`granularity` bytes of the disk, a last one begun included.
std::uint64_t bitmap_table_entries(const Qcow2Header& header, std::uint32_t granularity) {
  if (granularity < 9 || granularity > 31) refuse_entry(fmt::format("a bitmap's granularity is {}", granularity));
  const std::uint64_t covered = header.cluster_size() * 8 << granularity;
  return header.virtual_size / covered + (header.virtual_size % covered != 0 ? 1 : 0);
}

}  // namespace

Qcow2Tables::Qcow2Tables(const Qcow2Header& header, const ImageFile& file)
    : header_(header),
      file_(file),
      refcounts_(header, file),
      taken_(file.length(), header.cluster_size()),
      compressed_room_(file.length()) {}

void Qcow2Tables::check(const std::optional<Qcow2BitmapDirectory>& bitmaps, Findings& findings) {
  // A broken refcount table tells nothing of what the others name.
  if (!findings.check([&] { check_refcounts(); })) return;
  findings.check([&] { check_head(); });
  findings.check([&] { check_l1(); });
  if (bitmaps) findings.check([&] { check_bitmaps(*bitmaps); });
}

// Of what stands at a fixed place, or where the header says.
void Qcow2Tables::check_head() {
  require_user({"header cluster", 0}, {0, header_.cluster_size()});
  require_user({"L1 table", 0}, header_.l1_table());
  require_user({"refcount table", 0}, header_.refcount_table());
}

// The clusters that begin in the range, for this alone.
void Qcow2Tables::take(const Part& part, ByteRange range) {
  require_place(part, range);
  require_user(part, range);
  for (std::uint64_t at = range.offset; at < range.offset + range.length; at += header_.cluster_size()) {
    if (!taken_.take(at)) {
      refuse_entry(fmt::format("{} {} is said to be at {}, where something else is", part.kind, part.position, at));
    }
  }
}

// More users than there are is a leak, which harms no data: what a snapshot that was removed in haste leaves, say.
void Qcow2Tables::require_user(const Part& part, ByteRange range) {
  const std::uint64_t end = range.offset + range.length;
  for (std::uint64_t at = range.offset; at < end; at = (at / header_.cluster_size() + 1) * header_.cluster_size()) {
    if (!refcounts_.counts(at)) {
      refuse_entry(fmt::format("{} {} is at {}, where the refcount is 0", part.kind, part.position, at));
    }
  }
}

// Nothing may stand in the header's cluster, or where the two tables are that the header names.
void Qcow2Tables::require_place(const Part& part, ByteRange range) const {
  if (!file_.holds(range)) {
    refuse(Check::truncated,
           fmt::format("it is truncated: {} {} is said to be at {}, the file ends at {}", part.kind, part.position,
                       range.offset, file_.length()),
           kFetchAgain);
  }
  const bool is_aligned = range.offset % header_.cluster_size() == 0;
  if (is_aligned && !is_reserved(range)) return;
  refuse_entry(fmt::format("{} {} is said to be at {}, {}", part.kind, part.position, range.offset,
                           is_aligned ? "where the header or one of its tables is" : "not at a cluster"));
}

bool Qcow2Tables::is_reserved(ByteRange range) const {
  return overlap(range, {0, header_.cluster_size()}) || overlap(range, header_.l1_table()) ||
         overlap(range, header_.refcount_table());
}

void Qcow2Tables::check_l1() {
  file_.for_each({.offset = header_.l1_offset, .entries = header_.l1_entries},
                 [&](std::uint64_t position, std::uint64_t entry) {
                   if ((entry & kL1Reserved) != 0) {
                     refuse_entry(fmt::format("L1 entry {} is {:#018x}", position, entry));
                   }
                   const std::uint64_t offset = entry & kOffsetMask;
                   if (offset == 0) return;
                   take({"L2 table", position}, {offset, header_.cluster_size()});
                   check_l2(position, offset);
                 });
}

void Qcow2Tables::check_l2(std::uint64_t l1_position, std::uint64_t offset) {
  const std::uint64_t first = l1_position * header_.l2_entries();
  const bool extended = header_.extended_l2();
  std::uint64_t entry = 0;
  file_.for_each({.offset = offset, .entries = header_.cluster_size() / 8},
                 [&](std::uint64_t position, std::uint64_t number) {
                   if (extended && position % 2 == 1) return check_subclusters(first + position / 2, entry, number);
                   entry = number;
                   const std::uint64_t cluster = first + (extended ? position / 2 : position);
                   if ((entry & kCompressed) != 0) return check_compressed(cluster, entry);
                   check_plain(cluster, entry);
                 });
}

void Qcow2Tables::check_plain(std::uint64_t cluster, std::uint64_t entry) {
  const bool zeros_allowed = header_.version == 3 && !header_.extended_l2();
  const std::uint64_t reserved = kL2Reserved | (zeros_allowed ? 0 : kReadsAsZeros);
  if ((entry & reserved) != 0) refuse_entry(fmt::format("the entry of cluster {} is {:#018x}", cluster, entry));
  const std::uint64_t offset = entry & kOffsetMask;
  if (offset == 0) return;
  take({"cluster", cluster}, {offset, used_bytes(cluster)});
}

// The virtual disk may end inside its last cluster, and so may the file; of subclusters some may be missing.
std::uint64_t Qcow2Tables::used_bytes(std::uint64_t cluster) const {
  const std::uint64_t whole_clusters = header_.virtual_size >> header_.cluster_bits;
  return cluster < whole_clusters && !header_.extended_l2() ? header_.cluster_size() : 1;
}

// Counted in sectors from the one it begins in; the last of them may be cut by the end of the file.
void Qcow2Tables::check_compressed(std::uint64_t cluster, std::uint64_t entry) {
  const std::uint32_t offset_bits = 62 - (header_.cluster_bits - 8);
  const std::uint64_t offset = entry & ((std::uint64_t{1} << offset_bits) - 1);
  const std::uint64_t more_sectors = (entry & (kCompressed - 1)) >> offset_bits;
  const std::uint64_t last = std::max(offset, offset / 512 * 512 + more_sectors * 512);
  if (!file_.holds({offset, last - offset + 1})) {
    refuse(Check::truncated,
           fmt::format("it is truncated: compressed cluster {} is said to be at {} to {}, the file ends at {}", cluster,
                       offset, last, file_.length()),
           kFetchAgain);
  }
  if ((entry & kCopied) != 0 || is_reserved({offset, last - offset + 1})) {
    refuse_entry(fmt::format("the entry of compressed cluster {} is {:#018x}", cluster, entry));
  }
  require_user({"compressed cluster", cluster}, {offset, last - offset + 1});
  take_compressed(last - offset + 1);
}

// All together have no more bytes than the file; each has at least those, and what its compressor leaves of a cluster.
void Qcow2Tables::take_compressed(std::uint64_t bytes) {
  const std::uint64_t best = header_.compression == 0 ? kBestDeflate : kBestZstd;
  const std::uint64_t taken = std::max(bytes, header_.cluster_size() / best);
  if (taken > compressed_room_) refuse_entry("its compressed clusters are more than the file has room for");
  compressed_room_ -= taken;
}

// The specification's "Extended L2 Entries": 32 bits say which subclusters are there, 32 which read as zeros.
void Qcow2Tables::check_subclusters(std::uint64_t cluster, std::uint64_t entry, std::uint64_t bitmap) const {
  const std::uint64_t present = bitmap & 0xffff'ffff;
  const std::uint64_t zeros = bitmap >> 32;
  const bool compressed = (entry & kCompressed) != 0;
  const bool somewhere = (entry & kOffsetMask) != 0;
  if ((present & zeros) != 0 || (compressed && bitmap != 0) || (!compressed && present != 0 && !somewhere)) {
    refuse_entry(fmt::format("the subclusters of cluster {} contradict each other", cluster));
  }
}

void Qcow2Tables::check_refcounts() {
  const ByteRange table = header_.refcount_table();
  file_.for_each({.offset = table.offset, .entries = table.length / 8},
                 [&](std::uint64_t position, std::uint64_t entry) {
                   if (entry == 0) return;
                   if (entry % 512 != 0) refuse_entry(fmt::format("refcount entry {} is {:#018x}", position, entry));
                   take({"refcount block", position}, {entry, header_.cluster_size()});
                 });
}

// The specification's "Bitmap directory": entries of 24 bytes and their names, each entry's length a multiple of 8.
void Qcow2Tables::check_bitmaps(const Qcow2BitmapDirectory& directory) {
  if (directory.bitmaps > kMaxBitmaps) refuse_entry(fmt::format("it has {} bitmaps", directory.bitmaps));
  take({"bitmap directory", 0}, directory.place);
  const std::uint64_t end = directory.place.offset + directory.place.length;
  std::uint64_t at = directory.place.offset;
  for (std::uint32_t i = 0; i < directory.bitmaps; ++i) {
    if (end - at < 24) refuse_entry("the bitmap directory is too short");
    at += check_bitmap(i, at);
    if (at > end) refuse_entry("the bitmap directory is too short");
  }
  if (at != end) refuse_entry("the bitmap directory is longer than its entries");
}

// The entry's length.
std::uint64_t Qcow2Tables::check_bitmap(std::uint64_t bitmap, std::uint64_t at) {
  const std::vector<std::byte> bytes = file_.read({at, 24});
  const ByteReader entry(bytes, ByteOrder::big, "a bitmap directory entry");
  const NumberTable table{.offset = entry.u64(0), .entries = entry.u32(8)};
  if (table.entries != bitmap_table_entries(header_, entry.u8(17))) {
    refuse_entry(fmt::format("the table of bitmap {} has {} entries", bitmap, table.entries));
  }
  take({"bitmap table", bitmap}, {table.offset, table.entries * 8});
  file_.for_each(table, [&](std::uint64_t, std::uint64_t number) {
    const std::uint64_t offset = number & kOffsetMask;
    if (offset != 0) take({"cluster of bitmap", bitmap}, {offset, header_.cluster_size()});
  });
  const std::uint64_t length = 24 + std::uint64_t{entry.u32(20)} + entry.u16(18);
  return (length + 7) / 8 * 8;
}

}  // namespace basecache::inspect
