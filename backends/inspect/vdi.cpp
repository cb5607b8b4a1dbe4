#include "backends/inspect/vdi.hpp"

#include <fmt/format.h>

#include <string_view>

#include "backends/inspect/image_file.hpp"
#include "backends/inspect/refusal.hpp"
#include "backends/inspect/taken_blocks.hpp"

namespace basecache::inspect {
namespace {

constexpr std::string_view kSignature{"\x7f\x10\xda\xbe", 4};
constexpr std::uint64_t kSignatureAt = 0x40;
constexpr std::uint32_t kVersion = 0x0001'0001;
constexpr std::uint64_t kBlockSize = mebibytes(1).count;  // the only one QEMU reads
constexpr std::uint64_t kHeaderSize = 512;

constexpr std::string_view kName = "the VDI header";

struct Header {
  std::uint32_t version = 0;
  std::uint32_t type = 0;
  std::uint32_t map_offset = 0;
  std::uint32_t blocks_offset = 0;
  std::uint32_t sector_size = 0;
  std::uint64_t disk_size = 0;
  std::uint32_t block_size = 0;
  std::uint32_t blocks = 0;
  std::uint32_t allocated = 0;
};

Header read_header(const ByteReader& bytes) {
  return {.version = bytes.u32(0x44),
          .type = bytes.u32(0x4c),
          .map_offset = bytes.u32(0x154),
          .blocks_offset = bytes.u32(0x158),
          .sector_size = bytes.u32(0x168),
          .disk_size = bytes.u64(0x170),
          .block_size = bytes.u32(0x178),
          .blocks = bytes.u32(0x180),
          .allocated = bytes.u32(0x184)};
}

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::header, "its VDI header is broken: " + std::move(what), kFetchAgain);
}

void check_alone(const Header& header, const ByteReader& bytes) {
  if (header.type != 1 && header.type != 2) {
    refuse(Check::backing_file,
           fmt::format("it is a VDI of type {}; dynamic (1) and static (2) ones are taken", header.type), kFlatten);
  }
  // The UUIDs of the image it is linked to and of that image's state.
  if (!bytes.all_zero(0x1a8, 16) || !bytes.all_zero(0x1b8, 16))
    refuse(Check::backing_file, "it is a VDI with a parent image", kFlatten);
}

void check_geometry(const Header& header) {
  if (header.version != kVersion) refuse_broken(fmt::format("the version is {:#x}, not 1.1", header.version));
  if (header.sector_size != 512) refuse_broken(fmt::format("the sector size is {}", header.sector_size));
  if (header.block_size != kBlockSize) refuse_broken(fmt::format("the block size is {}", header.block_size));
  if (header.map_offset < kHeaderSize || header.map_offset % 512 != 0 || header.blocks_offset % 512 != 0) {
    refuse_broken("its parts don't begin at sectors");
  }
  if (header.disk_size > header.blocks * kBlockSize) refuse_broken("the disk is larger than its blocks");
  if (header.allocated > header.blocks) refuse_broken("more blocks are allocated than there are");
  if (header.disk_size % 512 != 0) refuse_broken(fmt::format("the virtual size is {}", header.disk_size));
}

void check_length(const Header& header, const ImageSample& sample) {
  const std::uint64_t map_end = header.map_offset + std::uint64_t{header.blocks} * 4;
  if (map_end > header.blocks_offset) refuse_broken("the block map reaches into the blocks");
  const std::uint64_t needed = header.blocks_offset + header.allocated * kBlockSize;
  if (sample.length() < needed) {
    refuse(Check::truncated,
           fmt::format("it is truncated: the VDI has {} bytes, its blocks need {}", sample.length(), needed),
           kFetchAgain);
  }
}

[[noreturn]] void refuse_entry(std::uint64_t position, std::uint64_t block, std::string_view why) {
  refuse(Check::tables,
         fmt::format("its VDI block map is broken: block {} is said to be the {}th, {}", position, block, why),
         kFetchAgain);
}

}  // namespace

bool Vdi::matches(const ImageSample& sample) const {
  const ByteReader bytes(sample.head(), ByteOrder::little, kName);
  if (bytes.holds(kSignatureAt, kSignature)) return true;
  // A cut-off one still has the line of text in front of the signature.
  return bytes.holds(0, "<<< ") && bytes.size() < kSignatureAt + kSignature.size();
}

std::optional<Bytes> Vdi::check(const ImageSample& sample, Findings& findings) const {
  return findings.value_of([&] {
    const ByteReader bytes = ByteReader(sample.head(), ByteOrder::little, kName).part(0, kHeaderSize, kName);
    const Header header = read_header(bytes);
    findings.check([&] { check_alone(header, bytes); });
    findings.check([&] { check_geometry(header); });
    findings.check([&] { check_length(header, sample); });
    return Bytes{header.disk_size};
  });
}

void Vdi::check_tables(const ImageFile& file, Findings& findings) const {
  findings.check([&] {
    const std::vector<std::byte> head = file.read({0, kHeaderSize});
    const Header header = read_header(ByteReader(head, ByteOrder::little, kName));
    const NumberTable map{
        .offset = header.map_offset, .entries = header.blocks, .width = 4, .order = ByteOrder::little};
    TakenBlocks taken(header.allocated, 1);
    file.for_each(map, [&](std::uint64_t position, std::uint64_t block) {
      constexpr std::uint64_t kDiscarded = 0xffff'fffe;  // and one more: not there
      if (block >= kDiscarded) return;
      if (block >= header.allocated) refuse_entry(position, block, fmt::format("of {}", header.allocated));
      if (!taken.take(block)) refuse_entry(position, block, "as another one is");
    });
  });
}

}  // namespace basecache::inspect
