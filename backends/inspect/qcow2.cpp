#include "backends/inspect/qcow2.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/text.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/magic.hpp"
#include "backends/inspect/qcow2_extensions.hpp"
#include "backends/inspect/qcow2_header.hpp"
#include "backends/inspect/qcow2_tables.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {
namespace {

// QEMU's limits, in bytes.
constexpr std::uint64_t kMaxL1Table = mebibytes(32).count;
constexpr std::uint64_t kMaxRefcountTable = mebibytes(8).count;
constexpr std::uint32_t kLongestBackingName = 1023;

ByteReader reader_of(const ImageSample& sample) { return {sample.head(), ByteOrder::big, "the qcow2 header"}; }

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::header, "its qcow2 header is broken: " + std::move(what), kFetchAgain);
}

void check_backing_file(const Qcow2Header& header, const ByteReader& bytes) {
  if (header.backing_offset == 0 && header.backing_size == 0) return;
  const std::uint32_t length = std::min(header.backing_size, kLongestBackingName);
  const bool readable = bytes.has(header.backing_offset, length);
  refuse(Check::backing_file,
         fmt::format("it has a backing file {}", quote(readable ? bytes.text(header.backing_offset, length) : "?")),
         kFlatten);
}

void check_external_file(const Qcow2Header& header) {
  if ((header.incompatible & Qcow2Header::kDataFile) != 0) {
    refuse(Check::data_file, "it keeps its content in an external data file", kFlatten);
  }
  // QEMU says so only when it reads the disk.
  if ((header.autoclear & Qcow2Header::kDataFileRaw) != 0) {
    refuse(Check::data_file,
           "it is said to have an external data file with the raw disk (autoclear bit 1), and has none", kFlatten);
  }
}

void check_encryption(const Qcow2Header& header) {
  if (header.crypt_method != 0) {
    refuse(Check::encryption, fmt::format("it is encrypted (qcow2 crypt_method {})", header.crypt_method),
           "convert it to an unencrypted image where the key is known, and upload that");
  }
}

// A snapshot's tables are a second disk, which nobody has looked at.
void check_snapshots(const Qcow2Header& header) {
  if (header.snapshots != 0) {
    refuse(Check::snapshots, fmt::format("it has internal snapshots ({})", header.snapshots), kFlatten);
  }
}

void check_closed(const Qcow2Header& header) {
  if ((header.incompatible & (Qcow2Header::kDirty | Qcow2Header::kCorrupt)) != 0) {
    refuse(Check::features, "it was not closed properly (qcow2 marked dirty or corrupt)",
           "repair it with \"qemu-img check -r all\" and upload it again");
  }
}

void check_features(const Qcow2Header& header) {
  constexpr std::uint64_t kKnown = Qcow2Header::kDirty | Qcow2Header::kCorrupt | Qcow2Header::kDataFile |
                                   Qcow2Header::kCompressionType | Qcow2Header::kExtendedL2;
  if ((header.incompatible & ~kKnown) != 0) {
    refuse(Check::features,
           fmt::format("it uses unknown incompatible qcow2 features ({:#x})", header.incompatible & ~kKnown), kFlatten);
  }
  const bool says_other = (header.incompatible & Qcow2Header::kCompressionType) != 0;
  if (header.compression > 1 || says_other != (header.compression == 1)) {
    refuse(Check::features,
           fmt::format("it uses an unknown compression (qcow2 compression type {})", header.compression), kFlatten);
  }
  if (header.extended_l2() && header.cluster_bits < 14) {
    refuse_broken("extended L2 entries need clusters of at least 16 KiB");
  }
}

void check_geometry(const Qcow2Header& header) {
  if (header.cluster_bits < 9 || header.cluster_bits > 21) {
    refuse_broken(fmt::format("cluster_bits is {}, not 9 to 21", header.cluster_bits));
  }
  const bool is_odd = header.header_length < Qcow2Header::kLengthOfVersion3 || header.header_length % 8 != 0 ||
                      header.header_length > header.cluster_size();
  if (header.version == 3 && is_odd) refuse_broken(fmt::format("header_length is {}", header.header_length));
  if (header.refcount_order > 6) refuse_broken(fmt::format("refcount_order is {}, above 6", header.refcount_order));
}

void check_size(const Qcow2Header& header) {
  if (header.virtual_size % 512 != 0) {
    refuse_broken(fmt::format("the virtual size {} isn't a multiple of 512", header.virtual_size));
  }
}

void check_place(std::string_view name, ByteRange table, const Qcow2Header& header, const ImageSample& sample) {
  if (table.offset == 0 || table.offset % header.cluster_size() != 0) {
    refuse_broken(fmt::format("{} stands at {}", name, table.offset));
  }
  if (table.offset > sample.length() || table.length > sample.length() - table.offset) {
    refuse(Check::truncated,
           fmt::format("it is truncated: {} of {} bytes at {} isn't inside the file of {} bytes", name, table.length,
                       table.offset, sample.length()),
           kFetchAgain);
  }
}

void check_l1_table(const Qcow2Header& header, const ImageSample& sample) {
  const std::uint64_t per_entry = header.l2_entries() * header.cluster_size();
  const std::uint64_t needed = header.virtual_size / per_entry + (header.virtual_size % per_entry != 0 ? 1 : 0);
  if (header.l1_table().length > kMaxL1Table || header.l1_entries < needed) {
    refuse_broken(fmt::format("the L1 table has {} entries, its size needs {} and {} are taken", header.l1_entries,
                              needed, kMaxL1Table / 8));
  }
  check_place("the L1 table", header.l1_table(), header, sample);
}

void check_refcount_table(const Qcow2Header& header, const ImageSample& sample) {
  const ByteRange table = header.refcount_table();
  if (table.length == 0 || table.length > kMaxRefcountTable) {
    refuse_broken(fmt::format("the refcount table has {} clusters", header.refcount_clusters));
  }
  check_place("the refcount table", table, header, sample);
  if (overlap(table, header.l1_table())) refuse_broken("the L1 table and the refcount table overlap");
}

// QEMU minds where an empty one would be.
void check_snapshot_table(const Qcow2Header& header) {
  if (header.snapshots_offset % header.cluster_size() != 0) {
    refuse_broken(fmt::format("the snapshot table stands at {}", header.snapshots_offset));
  }
}

}  // namespace

bool Qcow2::matches(const ImageSample& sample) const {
  return begins_with(sample, std::string_view("QFI\xfb", 4)) && !is_qcow1(sample);
}

std::optional<Bytes> Qcow2::check(const ImageSample& sample, Findings& findings) const {
  const ByteReader bytes = reader_of(sample);
  const std::optional<Qcow2Header> header = findings.value_of([&] { return Qcow2Header::read(bytes); });
  if (!header) return std::nullopt;
  findings.check([&] { check_backing_file(*header, bytes); });
  findings.check([&] { check_external_file(*header); });
  findings.check([&] { check_encryption(*header); });
  findings.check([&] { check_snapshots(*header); });
  findings.check([&] { check_closed(*header); });
  findings.check([&] { check_features(*header); });
  findings.check([&] { check_size(*header); });
  if (findings.check([&] { check_geometry(*header); })) {
    check_extensions(*header, bytes, findings);
    findings.check([&] { check_l1_table(*header, sample); });
    findings.check([&] { check_refcount_table(*header, sample); });
    findings.check([&] { check_snapshot_table(*header); });
  }
  return Bytes{header->virtual_size};
}

void Qcow2::check_tables(const ImageFile& file, Findings& findings) const {
  findings.check([&] {
    const auto beginning = file.read({0, std::min<std::uint64_t>(file.length(), kibibytes(64).count)});
    const ByteReader bytes(beginning, ByteOrder::big, "the qcow2 header");
    const Qcow2Header header = Qcow2Header::read(bytes);
    Qcow2Tables(header, file).check(check_extensions(header, bytes, findings), findings);
  });
}

}  // namespace basecache::inspect
