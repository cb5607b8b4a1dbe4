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
// A sparse VMDK's descriptor as QEMU looks for a parent in it: twenty sectors behind the first, as a C string
// (block/vmdk.c, vmdk_parent_open).
constexpr std::string_view kSparseVmdk = "KDMV";
constexpr off_t kVmdkDescriptorAt = 512;
constexpr std::size_t kVmdkDescriptorSize = 20 * 512;
constexpr std::size_t kLeastVmdkDescriptor = 512;
constexpr std::string_view kVmdkParent = "parentFileNameHint";

constexpr std::array<std::string_view, 5> kNeverBacked{"raw", "vpc", "vhdx", "vdi", "iso9660"};
constexpr std::size_t kLongestMagic = 32;

[[noreturn]] void refuse(const Path& disk, std::string_view why) {
  throw Error(ErrorCode::storage_unusable,
              fmt::format("cannot know the backing file of {}: {}", quote(disk.native()), why));
}

// As much as there is of it.
std::string read_text(const Path& disk, off_t offset, std::size_t size) {
  const UniqueFd fd = open_file(disk, O_RDONLY | O_NONBLOCK);
  std::string text(size, '\0');
  text.resize(read_at(fd.get(), std::as_writable_bytes(std::span(text)), offset, disk));
  return text;
}

bool is_vmdk_without_parent(const Path& disk) {
  if (read_text(disk, 0, kSparseVmdk.size()) != kSparseVmdk) return false;
  const std::string descriptor = read_text(disk, kVmdkDescriptorAt, kVmdkDescriptorSize);
  const bool is_cut_off = descriptor.size() < kLeastVmdkDescriptor;
  return !is_cut_off && std::string_view(descriptor.c_str()).find(kVmdkParent) == std::string_view::npos;
}

std::string format_by_magic(const Path& disk) {
  const std::string text = read_text(disk, 0, kLongestMagic);
  if (qcow2::has_magic(std::as_bytes(std::span(text)))) return "qcow2";
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
  if (format == "raw" || (format == "vmdk" && is_vmdk_without_parent(disk))) return std::nullopt;
  if (format != "qcow2") refuse(disk, "it is " + quote(format));
  const qcow2::Header header = qcow2::Header::read(disk);
  if (!header.backing_file) return std::nullopt;
  return prune::BackingFile{.name = local_path(disk, *header.backing_file),
                            .format = header.backing_format.value_or("")};
}

}  // namespace basecache::qemu
