#include "backends/inspect/vpc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "agent/base/text.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/magic.hpp"
#include "backends/inspect/refusal.hpp"
#include "backends/inspect/taken_blocks.hpp"

namespace basecache::inspect {
namespace {

constexpr std::string_view kCookie = "conectix";
constexpr std::string_view kDynamicCookie = "cxsparse";
constexpr std::uint64_t kFooterSize = 512;
constexpr std::uint64_t kDynamicHeaderSize = 1024;
constexpr std::uint64_t kParentEnd = 768;  // in the dynamic header: its time, name and locators end here
constexpr std::uint32_t kFixed = 2;
constexpr std::uint32_t kDynamic = 3;
constexpr std::uint64_t kMaxSectors = 0xff00'0000;                       // QEMU's and Microsoft's limit, 2040 GiB
constexpr std::uint64_t kMaxGeometry = std::uint64_t{65535} * 16 * 255;  // sectors

// Programs whose images have the size that the footer says. QEMU sizes all others by their geometry (block/vpc.c), and
// what it will see is what we must answer.
constexpr std::array<std::string_view, 5> kCreatorsBySize{"win ", "qem2", "d2v ", "CTXS", std::string_view("tap\0", 4)};

ByteReader head_of(const ImageSample& sample) { return {sample.head(), ByteOrder::big, "the VHD header"}; }
ByteReader tail_of(const ImageSample& sample) { return {sample.tail(), ByteOrder::big, "the VHD footer"}; }

bool begins_as_vhd(const ImageSample& sample) { return begins_with(sample, kCookie); }

bool ends_as_vhd(const ImageSample& sample) {
  const ByteReader tail = tail_of(sample);
  return tail.size() >= kFooterSize && tail.holds(tail.size() - kFooterSize, kCookie);
}

// QEMU rounds the file's length up to a sector: the footer is the last one, cut or not. Virtual PC before 2004 wrote
// 511 bytes.
bool ends_in_part_of_footer(const ImageSample& sample) {
  const ByteReader tail = tail_of(sample);
  const std::uint64_t cut = sample.length() % kFooterSize;
  return cut != 0 && tail.holds(tail.size() - cut, kCookie);
}

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::header, "its VHD is broken: " + std::move(what), kFetchAgain);
}

// One's complement of the sum of all bytes but the checksum's own.
std::uint32_t checksum(const ByteReader& bytes, std::uint64_t checksum_at) {
  std::uint32_t sum = 0;
  for (std::uint64_t i = 0; i < bytes.size(); ++i) {
    if (i < checksum_at || i >= checksum_at + 4) sum += bytes.u8(i);
  }
  return ~sum;
}

Bytes virtual_size(const ByteReader& footer) {
  const std::string_view creator = footer.text(28, 4);
  const std::uint64_t sectors = std::uint64_t{footer.u16(56)} * footer.u8(58) * footer.u8(59);
  if (sectors == kMaxGeometry || std::ranges::find(kCreatorsBySize, creator) != kCreatorsBySize.end()) {
    return {footer.u64(48) / 512 * 512};
  }
  return {sectors * 512};
}

void check_footer(const ByteReader& footer, std::uint32_t expected_type) {
  if (footer.u32(64) != checksum(footer, 64)) refuse_broken("the footer's checksum is wrong");
  const std::uint32_t type = footer.u32(60);
  if (type == 4) refuse(Check::backing_file, "it is a differencing VHD, which has a parent image", kFlatten);
  if (type != expected_type) refuse_broken(fmt::format("disk type {} at this place", type));
  if (const Bytes size = virtual_size(footer); size.count / 512 > kMaxSectors) {
    refuse(Check::virtual_size, fmt::format("its disk has {}, more than a VHD can have", to_text(size)),
           "make a VHDX or qcow2 of it with \"qemu-img convert\" and upload that");
  }
}

struct BlockTable {
  std::uint64_t offset = 0;
  std::uint64_t entries = 0;
  std::uint64_t block_size = 0;
};

BlockTable block_table_of(const ByteReader& dynamic) {
  return {.offset = dynamic.u64(16), .entries = dynamic.u32(28), .block_size = dynamic.u32(32)};
}

// Where neither the table nor a block may be: the first footer and the dynamic header that it names.
bool is_reserved(ByteRange range, const ByteReader& footer) {
  return overlap(range, {0, kFooterSize}) || overlap(range, {footer.u64(16), kDynamicHeaderSize});
}

void check_table(const BlockTable& table, const ByteReader& footer, Bytes size, std::uint64_t file_length) {
  const std::uint64_t block = table.block_size;
  if (block < 512 || !std::has_single_bit(block)) refuse_broken(fmt::format("the block size is {}", block));
  if (table.entries * block < size.count) refuse_broken("the disk is larger than its block table");
  if (table.offset % 512 != 0 || table.offset > file_length || table.entries * 4 > file_length - table.offset) {
    refuse_broken("the block table isn't inside the file");
  }
  if (is_reserved({table.offset, table.entries * 4}, footer)) refuse_broken("the block table overlaps a header");
}

// The fields of a parent must be empty; readers differ in whether they look at the disk type first.
void check_alone(const ByteReader& dynamic) {
  if (!dynamic.all_zero(40, 16) || !dynamic.all_zero(64, kParentEnd - 64)) {
    refuse(Check::backing_file, "it is a VHD that names a parent image", kFlatten);
  }
}

ByteReader dynamic_header(const ByteReader& head) {
  const ByteReader dynamic = head.part(head.u64(16), kDynamicHeaderSize, "the dynamic VHD header");
  if (!dynamic.holds(0, kDynamicCookie)) refuse_broken("it has no dynamic header");
  if (dynamic.u32(36) != checksum(dynamic, 36)) refuse_broken("the dynamic header's checksum is wrong");
  return dynamic;
}

void check_ends(const ImageSample& sample, const ByteReader& footer) {
  if (!ends_as_vhd(sample)) {
    refuse(Check::truncated, "it is truncated: the footer of the dynamic VHD is missing", kFetchAgain);
  }
  if (!tail_of(sample).holds(tail_of(sample).size() - kFooterSize, footer.text(0, kFooterSize))) {
    refuse_broken("the footers at its two ends differ");
  }
}

Bytes check_dynamic(const ImageSample& sample, Findings& findings) {
  const ByteReader footer = head_of(sample).part(0, kFooterSize, "the VHD header");
  findings.check([&] { check_footer(footer, kDynamic); });
  const Bytes size = virtual_size(footer);
  findings.check([&] {
    const ByteReader dynamic = dynamic_header(head_of(sample));
    findings.check([&] { check_alone(dynamic); });
    check_table(block_table_of(dynamic), footer, size, sample.length());
  });
  findings.check([&] { check_ends(sample, footer); });
  return size;
}

void check_whole_sectors(const ImageSample& sample) {
  if (ends_in_part_of_footer(sample)) {
    refuse(Check::truncated, "it is truncated: the footer of the fixed VHD isn't whole", kFetchAgain);
  }
  if (sample.length() % kFooterSize != 0) {
    refuse_broken(fmt::format("its {} bytes aren't whole sectors", sample.length()));
  }
}

Bytes check_fixed(const ImageSample& sample, Findings& findings) {
  check_whole_sectors(sample);
  const ByteReader tail = tail_of(sample);
  const ByteReader footer = tail.part(tail.size() - kFooterSize, kFooterSize, "the VHD footer");
  findings.check([&] { check_footer(footer, kFixed); });
  const Bytes size = virtual_size(footer);
  if (size.count > sample.length() - kFooterSize) {
    refuse(Check::truncated,
           fmt::format("it is truncated: the fixed VHD has {} bytes of a disk of {}", sample.length() - kFooterSize,
                       size.count),
           kFetchAgain);
  }
  return size;
}

// A block is a bitmap of its sectors, padded to a sector, and the sectors.
class Blocks {
 public:
  Blocks(const ByteReader& head, const ImageFile& file)
      : head_(head),
        file_(file),
        table_(block_table_of(dynamic_header(head))),
        size_((table_.block_size / 512 / 8 + 511) / 512 * 512 + table_.block_size),
        taken_(file.length(), size_) {}

  void check() {
    const NumberTable entries{.offset = table_.offset, .entries = table_.entries, .width = 4};
    file_.for_each(entries, [this](std::uint64_t position, std::uint64_t entry) {
      constexpr std::uint64_t kAbsent = 0xffff'ffff;
      if (entry != kAbsent) check_block(position, {entry * 512, size_});
    });
  }

 private:
  void check_block(std::uint64_t position, ByteRange block) {
    if (!file_.holds(block)) {
      refuse(Check::truncated,
             fmt::format("it is truncated: block {} of the VHD is said to be at {}, the file ends at {}", position,
                         block.offset, file_.length()),
             kFetchAgain);
    }
    if (is_reserved(block, head_) || overlap(block, {table_.offset, table_.entries * 4})) {
      refuse_block(position, "a header or its table");
    }
    if (!taken_.take(block.offset)) refuse_block(position, "another one");
  }

  [[noreturn]] static void refuse_block(std::uint64_t position, std::string_view what) {
    refuse(Check::tables, fmt::format("its VHD is broken: block {} is said to be where {} is", position, what),
           kFetchAgain);
  }

  const ByteReader& head_;
  const ImageFile& file_;
  BlockTable table_;
  std::uint64_t size_;
  TakenBlocks taken_;
};

}  // namespace

bool Vpc::matches(const ImageSample& sample) const {
  return begins_as_vhd(sample) || ends_as_vhd(sample) || ends_in_part_of_footer(sample);
}

std::optional<Bytes> Vpc::check(const ImageSample& sample, Findings& findings) const {
  return findings.value_of(
      [&] { return begins_as_vhd(sample) ? check_dynamic(sample, findings) : check_fixed(sample, findings); });
}

void Vpc::check_tables(const ImageFile& file, Findings& findings) const {
  findings.check([&] {
    const std::vector<std::byte> head = file.read({0, std::min<std::uint64_t>(file.length(), kibibytes(64).count)});
    const ByteReader bytes(head, ByteOrder::big, "the VHD header");
    if (bytes.holds(0, kCookie)) Blocks(bytes, file).check();  // a fixed one has no table
  });
}

}  // namespace basecache::inspect
