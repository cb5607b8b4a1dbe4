#include "backends/qcow2/header.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::qcow2 {
namespace {

// Offsets, lengths and limits as in QEMU's docs/interop/qcow2.txt.
constexpr std::uint64_t kMagic = 0x514649fb;  // "QFI\xfb"
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kBackingOffsetAt = 8;
constexpr std::size_t kBackingLengthAt = 16;
constexpr std::size_t kClusterBitsAt = 20;
constexpr std::size_t kSizeAt = 24;
constexpr std::size_t kHeaderLengthAt = 100;
constexpr std::size_t kVersion2Length = 72;
constexpr std::size_t kVersion3Length = 104;
constexpr std::uint64_t kLongestBackingName = 1023;
constexpr std::uint64_t kSmallestClusterBits = 9;
constexpr std::uint64_t kLargestClusterBits = 21;
constexpr std::size_t kCommonlyEnough = 4096;  // of a header with its names
constexpr std::uint64_t kExtensionsEnd = 0;
constexpr std::uint64_t kBackingFormatExtension = 0xe2792aca;

// Big-endian numbers and texts at offsets that the file itself names.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const Path& name) : bytes_(bytes), name_(name) {}

  std::uint64_t u32(std::uint64_t at) const { return number(at, 4); }
  std::uint64_t u64(std::uint64_t at) const { return number(at, 8); }
  std::string text(std::uint64_t at, std::uint64_t length) const {
    const auto part = slice(at, length);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(ErrorCode::storage_unusable,
                fmt::format("{} has no usable qcow2 header: {}", quote(name_.native()), why))
        .add_field("path", name_.native());
  }

 private:
  std::span<const std::byte> slice(std::uint64_t at, std::uint64_t length) const {
    if (at > bytes_.size() || length > bytes_.size() - at) refuse("it ends too early");
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(length));
  }
  std::uint64_t number(std::uint64_t at, std::size_t width) const {
    std::uint64_t value = 0;
    for (const std::byte byte : slice(at, width)) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
  }

  std::span<const std::byte> bytes_;
  const Path& name_;
};

std::uint32_t read_cluster_bits(const Reader& header) {
  const std::uint64_t bits = header.u32(kClusterBitsAt);
  if (bits < kSmallestClusterBits || bits > kLargestClusterBits) header.refuse("its cluster size is out of range");
  return static_cast<std::uint32_t>(bits);
}

void check_kind(const Reader& header) {
  if (header.u32(0) != kMagic) header.refuse("it isn't qcow2");
  const std::uint64_t version = header.u32(kVersionAt);
  if (version != 2 && version != 3) header.refuse(fmt::format("its version is {}", version));
}

std::optional<std::string> read_backing_file(const Reader& header) {
  const std::uint64_t offset = header.u64(kBackingOffsetAt);
  const std::uint64_t length = header.u32(kBackingLengthAt);
  if (offset == 0 || length == 0) return std::nullopt;
  if (length > kLongestBackingName) header.refuse("the name of its backing file is too long");
  return header.text(offset, length);
}

std::uint64_t header_length(const Reader& header) {
  if (header.u32(kVersionAt) == 2) return kVersion2Length;
  const std::uint64_t length = header.u32(kHeaderLengthAt);
  if (length < kVersion3Length || length > header.u64(kBackingOffsetAt))
    header.refuse("its header length is out of range");
  return length;
}

// The name of the backing file comes last.
bool reaches_beyond(const Reader& header, std::uint64_t length) {
  const std::uint64_t name_at = header.u64(kBackingOffsetAt);
  return name_at > length || header.u32(kBackingLengthAt) > length - name_at;
}

// The extensions follow the header, each padded to 8 bytes, up to an end mark or the backing file's name.
std::optional<std::string> read_backing_format(const Reader& header) {
  const std::uint64_t end = header.u64(kBackingOffsetAt);
  std::uint64_t at = header_length(header);
  while (at + 8 <= end) {
    const std::uint64_t type = header.u32(at);
    const std::uint64_t length = header.u32(at + 4);
    if (type == kExtensionsEnd) break;
    if (type == kBackingFormatExtension) return header.text(at + 8, length);
    at += 8 + (length + 7) / 8 * 8;
  }
  return std::nullopt;
}

}  // namespace

Header Header::parse(std::span<const std::byte> first_cluster, const Path& name) {
  const Reader header(first_cluster, name);
  check_kind(header);
  Header result{.virtual_size = {header.u64(kSizeAt)},
                .cluster_bits = read_cluster_bits(header),
                .backing_file = read_backing_file(header),
                .backing_format = {}};
  if (result.backing_file) result.backing_format = read_backing_format(header);
  return result;
}

Header Header::read(const Path& file) {
  const UniqueFd fd = open_file(file, O_RDONLY | O_NONBLOCK);
  std::vector<std::byte> bytes(kCommonlyEnough);
  bytes.resize(read_at(fd.get(), bytes, 0, file));
  const Reader beginning(bytes, file);
  check_kind(beginning);
  const std::size_t cluster = std::size_t{1} << read_cluster_bits(beginning);
  const bool is_enough = !reaches_beyond(beginning, kCommonlyEnough);
  bytes.resize(is_enough ? std::min(bytes.size(), cluster) : cluster);
  if (!is_enough) bytes.resize(read_at(fd.get(), bytes, 0, file));
  return parse(bytes, file);
}

bool has_magic(std::span<const std::byte> beginning) {
  constexpr std::string_view magic = "QFI\xfb";
  return beginning.size() >= magic.size() &&
         std::string_view(reinterpret_cast<const char*>(beginning.data()), magic.size()) == magic;
}

}  // namespace basecache::qcow2
