#include "backends/drive/rock_ridge.hpp"

#include <cstdint>
#include <string_view>

#include "agent/base/little_endian.hpp"
#include "backends/drive/drive_files.hpp"

namespace basecache::drive {
namespace {

constexpr std::size_t kHead = 4;  // signature, length, version
constexpr std::uint64_t kBlock = 2048;
constexpr int kMostAreas = 32;
constexpr std::uint32_t kKindOfFile = 0170000;
constexpr std::uint32_t kRegular = 0100000;
constexpr std::uint32_t kDirectory = 0040000;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> continuation(std::span<const std::byte> medium, std::span<const std::byte> field) {
  const std::uint64_t offset = number_at<std::uint32_t>(field, 4) * kBlock + number_at<std::uint32_t>(field, 12);
  const std::uint64_t length = number_at<std::uint32_t>(field, 20);
  if (length > kBlock) throw unreadable("a name is longer than a block");
  if (offset > medium.size() || length > medium.size() - offset) throw unreadable("a name leads out of it");
  return medium.subspan(offset, length);
}

void take(RockRidge& file, std::span<const std::byte> field) {
  const std::string_view signature = text_of(field.first(2));
  if (signature == "NM" && field.size() > kHead) file.name += text_of(field.subspan(kHead + 1));
  if (signature == "SL" || signature == "PN") file.is_special = true;
  if (signature == "CL" || signature == "RE") file.is_moved = true;
  if (signature == "PX" && field.size() >= kHead + 4) {
    const std::uint32_t kind = number_at<std::uint32_t>(field, kHead) & kKindOfFile;
    if (kind != kRegular && kind != kDirectory) file.is_special = true;
  }
}

}  // namespace

std::optional<std::size_t> rock_ridge_skip(std::span<const std::byte> system_use) {
  constexpr std::size_t kLength = 7;
  if (system_use.size() < kLength || text_of(system_use.first(2)) != "SP") return std::nullopt;
  return std::to_integer<std::size_t>(system_use[6]);
}

RockRidge rock_ridge_of(std::span<const std::byte> medium, std::span<const std::byte> system_use) {
  RockRidge file;
  std::span<const std::byte> area = system_use;
  for (int areas = 0; areas < kMostAreas && !area.empty(); ++areas) {
    std::span<const std::byte> next;
    while (area.size() >= kHead) {
      const auto length = std::to_integer<std::size_t>(area[2]);
      if (length < kHead || length > area.size() || text_of(area.first(2)) == "ST") break;
      const auto field = area.first(length);
      if (text_of(field.first(2)) == "CE" && length >= 28) next = continuation(medium, field);
      take(file, field);
      area = area.subspan(length);
    }
    area = next;
  }
  return file;
}

}  // namespace basecache::drive
