#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

#include "backends/inspect/raw_content.hpp"

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kTableAt = 446;
constexpr std::uint64_t kEntrySize = 16;
constexpr std::uint64_t kEntries = 4;
constexpr std::uint8_t kProtective = 0xee;  // UEFI 5.2.3: covers a GUID partition table

struct Partition {
  std::uint8_t boot_flag = 0;
  std::uint32_t first_chs = 0;  // 3 bytes: head, sector and cylinder
  std::uint8_t type = 0;
  std::uint32_t first_block = 0;
};

using Partitions = std::array<Partition, kEntries>;

ByteReader head_of(const ImageSample& sample) { return {sample.head(), ByteOrder::little, "the boot record"}; }

Partitions partitions_of(const ByteReader& head) {
  Partitions partitions;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const std::uint64_t at = kTableAt + i * kEntrySize;
    partitions[i] = {.boot_flag = head.u8(at),
                     .first_chs = head.u32(at) >> 8,
                     .type = head.u8(at + 4),
                     .first_block = head.u32(at + 8)};
  }
  return partitions;
}

// By the parameters that FAT's boot sector must have (a boot loader's record has zeroes or code there), or by name.
bool is_file_system(const ByteReader& head) {
  const std::uint16_t sector = head.u16(11);
  const bool is_sector_size = sector >= 512 && sector <= 4096 && std::has_single_bit(sector);
  const std::uint8_t tables = head.u8(16);
  const bool is_fat = is_sector_size && (tables == 1 || tables == 2) && head.u8(21) >= 0xf0;
  return is_fat || head.holds(3, "NTFS    ") || head.holds(3, "EXFAT   ");
}

// Linux' x86 boot protocol: setup code in the first sector, so a boot flag, and this right behind it.
bool is_kernel(const ByteReader& head) { return head.holds(514, "HdrS"); }

[[noreturn]] void refuse_table(std::string what) {
  refuse(Check::partition_table, "its partition table can't be meant: " + std::move(what),
         "make the partition table again, or upload the disk that was meant");
}

void check_flags(const Partitions& partitions) {
  bool any_used = false;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const Partition& one = partitions[i];
    if (one.boot_flag != 0 && one.boot_flag != 0x80) {
      refuse_table(fmt::format("partition {} has the boot flag {:#04x}", i + 1, one.boot_flag));
    }
    any_used = any_used || one.type != 0;
  }
  if (!any_used) refuse_table("it has no partition");
}

// Else some reader sees the partitions of one table, and another one those of the other.
void check_protective(const Partitions& partitions) {
  for (std::uint64_t i = 1; i < kEntries; ++i) {
    if (partitions[i].type == kProtective) refuse_table("the protective partition isn't the first");
  }
  if (partitions[0].type != kProtective) return;
  for (std::uint64_t i = 1; i < kEntries; ++i) {
    if (partitions[i].type != 0) refuse_table("the protective partition isn't the only one");
  }
  constexpr std::uint32_t kSecondBlock = 0x00'02'00;  // head 0, sector 2, cylinder 0
  if (partitions[0].first_chs != kSecondBlock || partitions[0].first_block != 1) {
    refuse_table("the protective partition doesn't begin at the second block");
  }
}

}  // namespace

bool has_mbr(const ImageSample& sample) {
  const ByteReader head = head_of(sample);
  return head.holds(510, "\x55\xaa") && !is_file_system(head) && !is_kernel(head);
}

void check_mbr(const ImageSample& sample, Findings& findings) {
  const Partitions partitions = partitions_of(head_of(sample));
  findings.check([&] { check_flags(partitions); });
  findings.check([&] { check_protective(partitions); });
}

}  // namespace basecache::inspect
