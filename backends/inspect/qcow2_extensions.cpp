#include "backends/inspect/qcow2_extensions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "agent/base/text.hpp"

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kMost = kibibytes(64).count;  // real ones take less than 1 KiB
constexpr std::uint32_t kEnd = 0;
constexpr std::uint32_t kBackingFormat = 0xe2792aca;
constexpr std::uint32_t kDataFile = 0x44415441;
constexpr std::uint32_t kEncryption = 0x0537be77;
constexpr std::uint32_t kBitmaps = 0x23852875;

[[noreturn]] void refuse_chain(std::string what) {
  refuse(Check::header, "its qcow2 header extensions are broken: " + std::move(what), kFetchAgain);
}

void check_extension(std::uint32_t type, std::string_view content) {
  if (type == kDataFile) {
    refuse(Check::data_file, fmt::format("it names an external data file {}", quote(content)), kFlatten);
  }
  if (type == kBackingFormat) {
    refuse(Check::backing_file, fmt::format("it names the format {} of a backing file", quote(content)), kFlatten);
  }
  if (type == kEncryption) refuse(Check::encryption, "it carries an encryption header", kFlatten);
}

// The specification's "Bitmaps extension": count, reserved, size and offset of the directory.
Qcow2BitmapDirectory directory_of(const ByteReader& content) {
  if (content.size() != 24) refuse_chain(fmt::format("the bitmaps extension has {} bytes", content.size()));
  if (content.u32(0) == 0 || content.u32(4) != 0) refuse_chain("the bitmaps extension tells of no bitmaps");
  return {.bitmaps = content.u32(0), .place = {.offset = content.u64(16), .length = content.u64(8)}};
}

}  // namespace

std::optional<Qcow2BitmapDirectory> check_extensions(const Qcow2Header& header, const ByteReader& bytes,
                                                     Findings& findings) {
  std::optional<Qcow2BitmapDirectory> bitmaps;
  const std::uint64_t end = std::min(header.cluster_size(), kMost);
  findings.check([&] {
    for (std::uint64_t at = header.header_length; at < header.cluster_size();) {
      if (at > end || end - at < 8) refuse_chain("they don't end");
      const std::uint32_t type = bytes.u32(at);
      const std::uint32_t length = bytes.u32(at + 4);
      if (type == kEnd) return;
      if (length > end - at - 8) refuse_chain("one is larger than its cluster");
      findings.check([&] { check_extension(type, bytes.text(at + 8, length)); });
      if (type == kBitmaps && bitmaps) refuse_chain("the bitmaps extension is there twice");
      if (type == kBitmaps) bitmaps = directory_of(bytes.part(at + 8, length, "the bitmaps extension"));
      at += 8 + (std::uint64_t{length} + 7) / 8 * 8;
    }
  });
  // Without the bit, a program that knows no bitmaps has written last: nobody reads them any more, and their clusters
  // may have been given back.
  if ((header.autoclear & Qcow2Header::kBitmaps) == 0) bitmaps.reset();
  return bitmaps;
}

}  // namespace basecache::inspect
