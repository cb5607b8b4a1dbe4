#include "backends/qemu/disk_chain.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "backends/qcow2/header.hpp"

namespace basecache::qemu {
namespace {

// First bytes of the formats with backing files that we can't follow, by QEMU's block drivers (block/qed.h,
// block/vmdk.c).
struct Magic {
  std::string_view bytes;
  std::string_view format;
};
constexpr std::array<Magic, 4> kOpaque{{
    {std::string_view("QED\0", 4), "qed"},
    {"KDMV", "vmdk"},
    {"COWD", "vmdk"},
    {"# Disk DescriptorFile", "vmdk"},
}};
constexpr std::array<std::string_view, 5> kNeverBacked{"raw", "vpc", "vhdx", "vdi", "iso9660"};
constexpr std::size_t kLongestMagic = 32;

[[noreturn]] void refuse(const Path& disk, std::string_view why) {
  throw Error(ErrorCode::storage_unusable,
              fmt::format("cannot know the backing file of {}: {}", quote(disk.native()), why));
}

std::string format_by_magic(const Path& disk) {
  const UniqueFd fd = open_file(disk, O_RDONLY | O_NONBLOCK);
  std::array<std::byte, kLongestMagic> bytes;
  const auto beginning = std::span(bytes).first(read_at(fd.get(), bytes, 0, disk));
  if (qcow2::has_magic(beginning)) return "qcow2";
  const std::string_view text(reinterpret_cast<const char*>(beginning.data()), beginning.size());
  const auto known = std::ranges::find_if(kOpaque, [&](const Magic& magic) { return text.starts_with(magic.bytes); });
  return std::string(known == kOpaque.end() ? "raw" : known->format);
}

// As QEMU tells a path from a protocol: by a colon before the first slash.
std::string local_path(const Path& disk, std::string name) {
  constexpr std::string_view file = "file:";
  if (name.starts_with(file)) return name.substr(file.size());
  const std::size_t colon = name.find(':');
  if (colon != std::string::npos && colon < name.find('/')) refuse(disk, quote(name) + " is not a path");
  return name;
}

}  // namespace

std::optional<prune::BackingFile> DiskChain::backing_file(const Path& disk, const std::string& recorded_format) const {
  if (std::ranges::find(kNeverBacked, recorded_format) != kNeverBacked.end()) return std::nullopt;
  const std::string format = recorded_format.empty() ? format_by_magic(disk) : recorded_format;
  if (format == "raw") return std::nullopt;
  if (format != "qcow2") refuse(disk, "it is " + quote(format));
  const qcow2::Header header = qcow2::Header::read(disk);
  if (!header.backing_file) return std::nullopt;
  return prune::BackingFile{.name = local_path(disk, *header.backing_file),
                            .format = header.backing_format.value_or("")};
}

}  // namespace basecache::qemu
