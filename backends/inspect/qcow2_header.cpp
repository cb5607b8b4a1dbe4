#include "backends/inspect/qcow2_header.hpp"

#include <fmt/format.h>

#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {
namespace {

void read_version_3(Qcow2Header& header, const ByteReader& bytes) {
  header.incompatible = bytes.u64(72);
  header.autoclear = bytes.u64(88);
  header.refcount_order = bytes.u32(96);
  header.header_length = bytes.u32(100);
  // QEMU believes the field only when the header says that it is there.
  if (header.header_length > Qcow2Header::kLengthOfVersion3) header.compression = bytes.u8(104);
}

}  // namespace

Qcow2Header Qcow2Header::read(const ByteReader& bytes) {
  Qcow2Header header{.version = bytes.u32(4),
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
    refuse(Check::header, fmt::format("it is a qcow image of version {}; versions 2 and 3 are taken", header.version),
           "convert it with \"qemu-img convert -O qcow2\" and upload that");
  }
  if (header.version == 3) read_version_3(header, bytes);
  return header;
}

}  // namespace basecache::inspect
