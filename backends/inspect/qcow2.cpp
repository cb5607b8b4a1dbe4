#include "backends/inspect/qcow2.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/text.hpp"
#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {
namespace {

constexpr std::string_view kMagic{"QFI\xfb", 4};
constexpr std::uint64_t kHeaderSizeV2 = 72;
constexpr std::uint64_t kHeaderSizeV3 = 104;
constexpr std::uint64_t kOffsetMask = 0x00ff'ffff'ffff'fe00;
// An L1 table of a 64 TiB image with the usual 64 KiB clusters has 131072 entries. QEMU reads up to 4 Mi of them; twice
// the usual maximum is what we hold in memory.
constexpr std::uint64_t kMaxL1Entries = 262'144;
constexpr std::uint64_t kMaxSnapshots = 65'536;       // QEMU's limit
constexpr std::uint64_t kMaxRefcountTable = 8 << 20;  // bytes; QEMU's limit

// Incompatible feature bits.
constexpr std::uint64_t kDirty = 1;
constexpr std::uint64_t kCorrupt = 2;
constexpr std::uint64_t kDataFile = 4;
constexpr std::uint64_t kCompressionType = 8;
constexpr std::uint64_t kExtendedL2 = 16;

// Header extensions.
constexpr std::uint32_t kExtensionEnd = 0;
constexpr std::uint32_t kExtensionBackingFormat = 0xe2792aca;
constexpr std::uint32_t kExtensionDataFile = 0x44415441;
constexpr std::uint32_t kExtensionEncryption = 0x0537be77;

struct Header {
  std::uint32_t version = 0;
  std::uint64_t backing_offset = 0;
  std::uint32_t backing_size = 0;
  std::uint32_t cluster_bits = 0;
  std::uint64_t virtual_size = 0;
  std::uint32_t crypt_method = 0;
  std::uint32_t l1_entries = 0;
  std::uint64_t l1_offset = 0;
  std::uint64_t refcount_offset = 0;
  std::uint32_t refcount_clusters = 0;
  std::uint32_t snapshots = 0;
  std::uint64_t snapshots_offset = 0;
  std::uint64_t incompatible = 0;
  std::uint32_t refcount_order = 4;
  std::uint32_t header_length = kHeaderSizeV2;
  std::uint8_t compression = 0;

  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits; }
  bool extended_l2() const { return (incompatible & kExtendedL2) != 0; }
  std::uint64_t l2_entry_size() const { return extended_l2() ? 16 : 8; }
  std::uint64_t l2_entries() const { return cluster_size() / l2_entry_size(); }
};

ByteReader reader_of(const ImageSample& sample) { return {sample.head(), ByteOrder::big, "the qcow2 header"}; }

void read_version_3(Header& header, const ByteReader& bytes) {
  header.incompatible = bytes.u64(72);
  header.refcount_order = bytes.u32(96);
  header.header_length = bytes.u32(100);
  // QEMU believes the field only when the header says that it is there.
  if (header.header_length > kHeaderSizeV3) header.compression = bytes.u8(104);
}

Header read_header(const ByteReader& bytes) {
  Header header{.version = bytes.u32(4),
                .backing_offset = bytes.u64(8),
                .backing_size = bytes.u32(16),
                .cluster_bits = bytes.u32(20),
                .virtual_size = bytes.u64(24),
                .crypt_method = bytes.u32(32),
                .l1_entries = bytes.u32(36),
                .l1_offset = bytes.u64(40),
                .refcount_offset = bytes.u64(48),
                .refcount_clusters = bytes.u32(56),
                .snapshots = bytes.u32(60),
                .snapshots_offset = bytes.u64(64)};
  if (header.version != 2 && header.version != 3) {
    refuse(fmt::format("it is a qcow image of version {}; versions 2 and 3 are taken", header.version),
           "convert it with \"qemu-img convert -O qcow2\" and upload that");
  }
  if (header.version == 3) read_version_3(header, bytes);
  return header;
}

[[noreturn]] void refuse_broken(std::string what) {
  refuse("its qcow2 header is broken: " + std::move(what), kFetchAgain);
}

void check_geometry(const Header& header) {
  if (header.cluster_bits < 9 || header.cluster_bits > 21) {
    refuse_broken(fmt::format("cluster_bits is {}, not 9 to 21", header.cluster_bits));
  }
  if (header.version == 3 && (header.header_length < kHeaderSizeV3 || header.header_length % 8 != 0 ||
                              header.header_length > header.cluster_size())) {
    refuse_broken(fmt::format("header_length is {}", header.header_length));
  }
  if (header.refcount_order > 6) refuse_broken(fmt::format("refcount_order is {}, above 6", header.refcount_order));
  if (header.virtual_size % 512 != 0) {
    refuse_broken(fmt::format("the virtual size {} isn't a multiple of 512", header.virtual_size));
  }
}

void check_alone(const Header& header, const ByteReader& bytes) {
  if (header.backing_offset != 0 || header.backing_size != 0) {
    const bool readable = bytes.has(header.backing_offset, std::min<std::uint32_t>(header.backing_size, 1023));
    const std::string_view name =
        readable ? bytes.text(header.backing_offset, std::min<std::uint32_t>(header.backing_size, 1023)) : "?";
    refuse(fmt::format("it has a backing file {}", quote(name)), kFlatten);
  }
  if ((header.incompatible & kDataFile) != 0) refuse("it keeps its content in an external data file", kFlatten);
  if (header.crypt_method != 0) {
    refuse(fmt::format("it is encrypted (qcow2 crypt_method {})", header.crypt_method),
           "convert it to an unencrypted image where the key is known, and upload that");
  }
}

void check_features(const Header& header) {
  if ((header.incompatible & (kDirty | kCorrupt)) != 0) {
    refuse("it was not closed properly (qcow2 marked dirty or corrupt)",
           "repair it with \"qemu-img check -r all\" and upload it again");
  }
  constexpr std::uint64_t kKnown = kDirty | kCorrupt | kDataFile | kCompressionType | kExtendedL2;
  if ((header.incompatible & ~kKnown) != 0) {
    refuse(fmt::format("it uses unknown incompatible qcow2 features ({:#x})", header.incompatible & ~kKnown), kFlatten);
  }
  const bool says_other = (header.incompatible & kCompressionType) != 0;
  if (header.compression > 1 || says_other != (header.compression == 1)) {
    refuse(fmt::format("it uses an unknown compression (qcow2 compression type {})", header.compression), kFlatten);
  }
  if (header.extended_l2() && header.cluster_bits < 14) {
    refuse_broken("extended L2 entries need clusters of at least 16 KiB");
  }
}

void check_extension(std::uint32_t type, std::string_view content) {
  if (type == kExtensionDataFile) {
    refuse(fmt::format("it names an external data file {}", quote(content)), kFlatten);
  }
  if (type == kExtensionBackingFormat) {
    refuse(fmt::format("it names the format {} of a backing file", quote(content)), kFlatten);
  }
  if (type == kExtensionEncryption) refuse("it carries an encryption header", kFlatten);
}

// They end with an end mark, or with the first cluster. Real ones take less than 1 KiB of it.
void check_extensions(const Header& header, const ByteReader& bytes) {
  const std::uint64_t end = std::min(header.cluster_size(), ImageSample::kHeadSize);
  std::uint64_t at = header.header_length;
  while (at < header.cluster_size()) {
    if (end - at < 8) refuse_broken("its header extensions don't end");
    const std::uint32_t type = bytes.u32(at);
    if (type == kExtensionEnd) return;
    const std::uint32_t length = bytes.u32(at + 4);
    if (length > end - at - 8) refuse_broken("a header extension is larger than its cluster");
    check_extension(type, bytes.text(at + 8, length));
    at += 8 + (std::uint64_t{length} + 7) / 8 * 8;
    if (at > end) refuse_broken("its header extensions don't end");
  }
}

void check_table(std::string_view name, std::uint64_t offset, std::uint64_t size, std::uint64_t alignment,
                 const ImageSample& sample) {
  if (offset == 0 || offset % alignment != 0) refuse_broken(fmt::format("{} stands at {}", name, offset));
  if (offset > sample.length() || size > sample.length() - offset) {
    refuse(fmt::format("it is truncated: {} of {} bytes at {} isn't inside the file of {} bytes", name, size, offset,
                       sample.length()),
           kFetchAgain);
  }
}

void check_tables(const Header& header, const ImageSample& sample) {
  const std::uint64_t per_table = header.l2_entries() * header.cluster_size();
  const std::uint64_t needed = header.virtual_size / per_table + (header.virtual_size % per_table != 0 ? 1 : 0);
  if (header.l1_entries > kMaxL1Entries || header.l1_entries < needed) {
    refuse_broken(fmt::format("the L1 table has {} entries, its size needs {} and {} are taken", header.l1_entries,
                              needed, kMaxL1Entries));
  }
  const std::uint64_t refcount_bytes = header.refcount_clusters * header.cluster_size();
  if (refcount_bytes == 0 || refcount_bytes > kMaxRefcountTable) {
    refuse_broken(fmt::format("the refcount table has {} clusters", header.refcount_clusters));
  }
  check_table("the refcount table", header.refcount_offset, refcount_bytes, header.cluster_size(), sample);
  check_table("the L1 table", header.l1_offset, std::uint64_t{header.l1_entries} * 8, header.cluster_size(), sample);
  if (header.snapshots > kMaxSnapshots) refuse_broken(fmt::format("it has {} snapshots", header.snapshots));
  // The table's true size depends on its names; an entry has at least 40 bytes.
  if (header.snapshots > 0) {
    check_table("the snapshot table", header.snapshots_offset, std::uint64_t{header.snapshots} * 40,
                header.cluster_size(), sample);
  }
}

// What can be said by the first bytes alone.
Header checked_header(const ImageSample& sample) {
  const ByteReader bytes = reader_of(sample);
  const Header header = read_header(bytes);
  check_alone(header, bytes);
  check_geometry(header);
  check_features(header);
  check_extensions(header, bytes);
  return header;
}

// Level 1 is the L1 table, level 2 the L2 tables.
class Qcow2Tables final : public TableScan {
 public:
  explicit Qcow2Tables(const Header& header) : TableScan(ByteOrder::big), header_(header) {
    expect({.offset = header.l1_offset, .entries = std::min<std::uint64_t>(header.l1_entries, kMaxL1Entries)});
  }

 private:
  void visit(const PointerTable& table, std::uint64_t position, std::uint64_t entry) override {
    if (table.level == 1) return visit_l1(position, entry);
    const std::uint64_t cluster = table.index * header_.l2_entries() + position;
    if ((entry >> 62 & 1) != 0) return require_compressed(entry);
    require_plain(cluster, entry);
  }

  void visit_l1(std::uint64_t position, std::uint64_t entry) {
    const std::uint64_t offset = entry & kOffsetMask;
    if (offset == 0) return;
    if (!is_aligned(offset)) return report(fmt::format("L1 entry {} points at {}", position, offset));
    require(offset + header_.cluster_size());
    expect({.offset = offset,
            .entries = header_.l2_entries(),
            .stride = static_cast<std::uint32_t>(header_.l2_entry_size()),
            .level = 2,
            .index = position});
  }

  void require_plain(std::uint64_t cluster, std::uint64_t entry) {
    const std::uint64_t offset = entry & kOffsetMask;
    const bool reads_as_zeros = header_.version == 3 && !header_.extended_l2() && (entry & 1) != 0;
    if (offset == 0 || reads_as_zeros) return;
    if (!is_aligned(offset)) return report(fmt::format("cluster {} is said to be at {}", cluster, offset));
    require(offset + used_bytes(cluster));
  }

  bool is_aligned(std::uint64_t offset) const { return offset % header_.cluster_size() == 0; }

  // The virtual disk may end inside its last cluster, and so may the file; of subclusters some may be missing.
  std::uint64_t used_bytes(std::uint64_t cluster) const {
    const std::uint64_t clusters = header_.virtual_size >> header_.cluster_bits;
    if (cluster < clusters && !header_.extended_l2()) return header_.cluster_size();
    return 1;
  }

  // Counted in sectors from the one it begins in; the last of them may be cut by the end of the file.
  void require_compressed(std::uint64_t entry) {
    const std::uint32_t offset_bits = 62 - (header_.cluster_bits - 8);
    const std::uint64_t offset = entry & ((std::uint64_t{1} << offset_bits) - 1);
    const std::uint64_t more_sectors = (entry & ((std::uint64_t{1} << 62) - 1)) >> offset_bits;
    require(std::max(offset, offset / 512 * 512 + more_sectors * 512) + 1);
  }

  Header header_;
};

}  // namespace

bool Qcow2::matches(const ImageSample& sample) const {
  const ByteReader bytes = reader_of(sample);
  // Version 1 is another format, "qcow" (foreign_formats.cpp).
  return bytes.holds(0, kMagic) && !bytes.holds(4, std::string_view("\0\0\0\1", 4));
}

Bytes Qcow2::check(const ImageSample& sample) const {
  const Header header = checked_header(sample);
  check_tables(header, sample);
  return {header.virtual_size};
}

std::unique_ptr<TableScan> Qcow2::tables(const ImageSample& sample) const {
  return std::make_unique<Qcow2Tables>(checked_header(sample));
}

}  // namespace basecache::inspect
