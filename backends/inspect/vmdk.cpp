#include "backends/inspect/vmdk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "backends/inspect/image_file.hpp"
#include "backends/inspect/magic.hpp"
#include "backends/inspect/refusal.hpp"
#include "backends/inspect/taken_blocks.hpp"
#include "backends/inspect/vmdk_descriptor.hpp"

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::string_view kMagic = "KDMV";
constexpr std::string_view kEsxMagic = "COWD";
constexpr std::string_view kNewlines{"\n \r\n", 4};
constexpr std::uint64_t kDirectoryAtEnd = ~std::uint64_t{0};
constexpr std::uint64_t kTableEntries = 512;
// QEMU looks for the parent's name in this many sectors, whatever the header says.
constexpr std::uint64_t kDescriptorSectorsOfQemu = 20;
constexpr std::uint64_t kMaxDescriptorSectors = ImageSample::kHeadSize / kSector - 1;
// QEMU writes a new CID, of 1 to 8 digits, over the old one and leaves the old text's last characters when it is
// shorter.
constexpr std::uint64_t kMaxRemnant = 7;
constexpr std::uint64_t kMaxGrainSectors = 131'072;  // 64 MiB; VMware writes 128
constexpr std::uint64_t kMaxDirectoryEntries =
    262'144;  // 8 TiB with VMware's grains, above its own limit for sparse files
constexpr std::uint32_t kHasNewlines = 1;
constexpr std::uint32_t kCompressed = 1 << 16;

struct Header {
  std::uint32_t version = 0;
  std::uint32_t flags = 0;
  std::uint64_t capacity = 0;  // all sizes and places in sectors
  std::uint64_t grain = 0;
  std::uint64_t descriptor_at = 0;
  std::uint64_t descriptor_size = 0;
  std::uint32_t table_entries = 0;
  std::uint64_t directory_at = 0;
  std::uint64_t content_at = 0;
  std::uint16_t compression = 0;

  // Of the header and the descriptor.
  std::uint64_t head_sectors() const { return descriptor_at + descriptor_size; }
  std::uint64_t directory_entries() const {
    const std::uint64_t covered = grain * kTableEntries;
    return capacity / covered + (capacity % covered != 0 ? 1 : 0);
  }
};

ByteReader head_of(const ImageSample& sample) { return {sample.head(), ByteOrder::little, "the VMDK header"}; }

std::string_view start_of(const ImageSample& sample) {
  const ByteReader head = head_of(sample);
  return head.text(0, std::min<std::uint64_t>(head.size(), 2048));
}

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::header, "its VMDK is broken: " + std::move(what), kFetchAgain);
}

Header read_header(const ByteReader& bytes) {
  return {.version = bytes.u32(4),
          .flags = bytes.u32(8),
          .capacity = bytes.u64(12),
          .grain = bytes.u64(20),
          .descriptor_at = bytes.u64(28),
          .descriptor_size = bytes.u64(36),
          .table_entries = bytes.u32(44),
          .directory_at = bytes.u64(56),
          .content_at = bytes.u64(64),
          .compression = bytes.u16(77)};
}

void check_kind(const ImageSample& sample) {
  if (begins_with(sample, kMagic)) return;
  if (begins_with(sample, kEsxMagic)) {
    refuse(Check::backing_file, "it is an ESX copy-on-write VMDK (COWD), which has a parent image", kFlatten);
  }
  refuse(Check::data_file, "it is a VMDK descriptor, a text that names the files holding the disk", kFlatten);
}

void check_geometry(const Header& header, const ByteReader& bytes) {
  if (header.version < 1 || header.version > 3) refuse_broken(fmt::format("its version is {}", header.version));
  if ((header.flags & kHasNewlines) != 0 && !bytes.holds(73, kNewlines)) {
    refuse_broken("its line ends were changed, as a transfer as text does");
  }
  // QEMU then opens the files that the descriptor names.
  if (header.capacity == 0) refuse(Check::data_file, "it is a VMDK without content of its own", kFlatten);
  if (header.capacity > ~std::uint64_t{0} / kSector) refuse_broken("its size overflows");
  if (header.grain < 8 || header.grain > kMaxGrainSectors || !std::has_single_bit(header.grain)) {
    refuse_broken(fmt::format("its grains have {} sectors", header.grain));
  }
  if (header.table_entries != kTableEntries) {
    refuse_broken(fmt::format("its grain tables have {} entries", header.table_entries));
  }
  if (header.directory_entries() > kMaxDirectoryEntries) refuse_broken("its grain directory is too large");
}

// Some readers believe the flag, others the number.
void check_compression(const Header& header) {
  const bool flagged = (header.flags & kCompressed) != 0;
  if (header.compression <= 1 && flagged == (header.compression == 1)) return;
  refuse(Check::features, fmt::format("it uses an unknown compression (VMDK algorithm {})", header.compression),
         kFlatten);
}

// The text up to the first NUL. Nothing but a remnant may follow it: readers differ in where they stop.
std::string_view descriptor_of(const Header& header, const ByteReader& head) {
  if (header.descriptor_at != 1) refuse_broken("its descriptor isn't where every reader looks for it, at sector 1");
  if (header.descriptor_size == 0 || header.descriptor_size > kMaxDescriptorSectors) {
    refuse_broken(fmt::format("its descriptor has {} sectors", header.descriptor_size));
  }
  const std::uint64_t size = header.descriptor_size * kSector;
  const std::string_view text = head.text(kSector, size);
  const std::size_t end = text.find('\0');
  if (std::min(end, text.size()) > kDescriptorSectorsOfQemu * kSector) {
    refuse_broken("its descriptor is longer than what every reader reads");
  }
  if (end == std::string_view::npos && header.descriptor_size < kDescriptorSectorsOfQemu) {
    refuse_broken("its descriptor doesn't end");
  }
  if (end == std::string_view::npos) return text;
  const std::uint64_t rest_at = std::min<std::uint64_t>(end + 1 + kMaxRemnant, size);
  if (!head.all_zero(kSector + rest_at, size - rest_at)) refuse_broken("something is hidden behind its descriptor");
  return text.substr(0, end);
}

// When the directory's place is in the footer, QEMU believes the footer's header instead of the first one.
Header with_footer(const Header& header, const ImageSample& sample) {
  const ByteReader tail(sample.tail(), ByteOrder::little, "the VMDK footer");
  if (sample.length() < 4 * kSector || sample.length() % kSector != 0)
    refuse(Check::truncated, "it is truncated: the VMDK's footer is missing", kFetchAgain);
  const ByteReader marks = tail.part(tail.size() - 3 * kSector, 3 * kSector, "the VMDK footer");
  const bool opens = marks.u32(8) == 0 && marks.u32(12) == 3 && marks.all_zero(16, kSector - 16);
  if (!opens || !marks.all_zero(2 * kSector, kSector)) {
    refuse(Check::truncated, "it is truncated or broken: the VMDK's footer is missing", kFetchAgain);
  }
  const ByteReader footer = marks.part(kSector, kSector, "the VMDK footer");
  // All up to the places of the two directories, and what is behind them.
  const ByteReader head = head_of(sample);
  if (!footer.holds(0, head.text(0, 48)) || !footer.holds(64, head.text(64, kSector - 64))) {
    refuse_broken("its header and its footer differ");
  }
  Header merged = header;
  merged.directory_at = footer.u64(56);
  return merged;
}

void check_directory(const Header& header, const ImageSample& sample) {
  const std::uint64_t file_sectors = sample.length() / kSector;
  const std::uint64_t size = header.directory_entries() * 4;
  if (header.content_at > file_sectors) {
    refuse(Check::truncated,
           fmt::format("it is truncated: the VMDK's content begins at sector {}, the file ends at {}",
                       header.content_at, file_sectors),
           kFetchAgain);
  }
  if (header.directory_at == 0 || header.directory_at > file_sectors ||
      size > sample.length() - header.directory_at * kSector) {
    refuse(Check::truncated,
           fmt::format("it is truncated: the VMDK's grain directory of {} bytes isn't inside the file of {} bytes",
                       size, sample.length()),
           kFetchAgain);
  }
  if (header.directory_at < header.head_sectors()) refuse_broken("its grain directory is in its descriptor");
}

// The first header, when it is acceptable; with_footer() tells which one is in force.
Header checked_header(const ImageSample& sample) {
  const ByteReader head = head_of(sample);
  const Header header = read_header(head.part(0, kSector, "the VMDK header"));
  check_geometry(header, head);
  check_compression(header);
  return header;
}

// The grain directory names grain tables, and they grains.
class GrainTables {
 public:
  GrainTables(const Header& header, const ImageFile& file)
      : header_(header),
        file_(file),
        taken_by_tables_(file.length(), kTableEntries * 4),
        // A compressed grain takes a sector at least.
        taken_by_grains_(file.length(), is_compressed() ? kSector : header.grain * kSector) {}

  void check() {
    const NumberTable directory = table_at(header_.directory_at * kSector, header_.directory_entries());
    file_.for_each(directory, [this](std::uint64_t position, std::uint64_t entry) {
      if (entry == 0) return;
      const std::uint64_t offset = entry * kSector;
      require("grain table", position, {offset, kTableEntries * 4});
      if (!taken_by_tables_.take(offset)) refuse_place("grain table", position, "where another one is");
      check_table(position, offset);
    });
  }

 private:
  bool is_compressed() const { return (header_.flags & kCompressed) != 0; }

  static NumberTable table_at(std::uint64_t offset, std::uint64_t entries) {
    return {.offset = offset, .entries = entries, .width = 4, .order = ByteOrder::little};
  }

  void check_table(std::uint64_t table, std::uint64_t offset) {
    constexpr std::uint64_t kZeroGrain = 1;
    file_.for_each(table_at(offset, kTableEntries), [&](std::uint64_t position, std::uint64_t entry) {
      if (entry <= kZeroGrain) return;
      const std::uint64_t grain = table * kTableEntries + position;
      require("grain", grain, {entry * kSector, grain_bytes(grain)});
      if (!taken_by_grains_.take(entry * kSector)) refuse_place("grain", grain, "where another one is");
    });
  }

  // A compressed grain has a head of 12 bytes and at least one more; a disk may end inside its last grain.
  std::uint64_t grain_bytes(std::uint64_t grain) const {
    constexpr std::uint64_t kLeastCompressed = 13;
    if (is_compressed()) return kLeastCompressed;
    return grain < header_.capacity / header_.grain ? header_.grain * kSector : kSector;
  }

  void require(std::string_view kind, std::uint64_t position, ByteRange range) const {
    if (!file_.holds(range)) {
      refuse(Check::truncated,
             fmt::format("it is truncated: {} {} of the VMDK is said to be at {}, the file ends at {}", kind, position,
                         range.offset, file_.length()),
             kFetchAgain);
    }
    if (range.offset < header_.head_sectors() * kSector) refuse_place(kind, position, "in its descriptor");
  }

  [[noreturn]] static void refuse_place(std::string_view kind, std::uint64_t position, std::string_view where) {
    refuse(Check::tables, fmt::format("its VMDK is broken: {} {} is said to be {}", kind, position, where),
           kFetchAgain);
  }

  const Header& header_;
  const ImageFile& file_;
  TakenBlocks taken_by_tables_;
  TakenBlocks taken_by_grains_;
};

}  // namespace

bool Vmdk::matches(const ImageSample& sample) const {
  return begins_with(sample, kMagic) || begins_with(sample, kEsxMagic) || is_vmdk_descriptor(start_of(sample));
}

std::optional<Bytes> Vmdk::check(const ImageSample& sample, Findings& findings) const {
  const bool is_sparse = findings.check([&] { check_kind(sample); });
  if (!is_sparse) return std::nullopt;
  std::optional<Header> header = findings.value_of([&] { return checked_header(sample); });
  if (!header) return std::nullopt;
  findings.check([&] { check_vmdk_descriptor(descriptor_of(*header, head_of(sample)), header->capacity); });
  if (header->directory_at == kDirectoryAtEnd) header = findings.value_of([&] { return with_footer(*header, sample); });
  if (!header) return std::nullopt;
  findings.check([&] { check_directory(*header, sample); });
  return Bytes{header->capacity * kSector};
}

void Vmdk::check_tables(const ImageFile& file, Findings& findings) const {
  findings.check([&] {
    const std::vector<std::byte> first = file.read({0, kSector});
    Header header = read_header(ByteReader(first, ByteOrder::little, "the VMDK header"));
    if (header.directory_at == kDirectoryAtEnd) {
      const std::vector<std::byte> footer = file.read({file.length() - 2 * kSector, kSector});
      header.directory_at = ByteReader(footer, ByteOrder::little, "the VMDK footer").u64(56);
    }
    GrainTables(header, file).check();
  });
}

}  // namespace basecache::inspect
