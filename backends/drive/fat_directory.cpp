#include "backends/drive/fat_directory.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/little_endian.hpp"
#include "agent/base/text.hpp"
#include "backends/drive/fat_format.hpp"

namespace basecache::drive {
namespace {

constexpr std::uint16_t kFirstDay = 1U << 5U | 1U;  // January 1st of 1980

FatAlias filled_up(std::string_view text) {
  FatAlias made;
  made.fill(' ');
  std::ranges::copy(text.substr(0, made.size()), made.begin());
  return made;
}

// The unit at `index`: behind the name an end, and then filling.
char16_t unit_at(std::u16string_view name, std::size_t index) {
  if (index < name.size()) return name[index];
  return index == name.size() ? char16_t{0} : char16_t{0xffff};
}

}  // namespace

FatDirectory::FatDirectory(std::string_view label) { append_alias(filled_up(label), fat::kVolumeLabel); }

FatDirectory::FatDirectory(std::uint16_t own_cluster, std::uint16_t parent_cluster) {
  append_alias(filled_up("."), fat::kDirectory);
  append_alias(filled_up(".."), fat::kDirectory);
  point(0, own_cluster, 0);
  point(1, parent_cluster, 0);
}

std::size_t FatDirectory::add(std::string_view name, bool is_directory) {
  const std::u16string text = long_name(name);
  if (!names_.insert(folded(name)).second) {
    throw Error(ErrorCode::invalid_request,
                quote(name) + " is on the config drive twice: vfat doesn't tell upper from lower case");
  }
  const FatAlias alias = alias_of(name, aliases_);
  aliases_.insert(alias);
  if (!is_short(name)) append_long_name(text, checksum_of(alias));
  append_alias(alias, is_directory ? fat::kDirectory : fat::kArchive);
  return bytes_.size() / fat::kEntrySize - 1;
}

void FatDirectory::point(std::size_t entry, std::uint16_t first_cluster, std::uint32_t size) {
  const auto bytes = std::span(bytes_).subspan(entry * fat::kEntrySize, fat::kEntrySize);
  put_number(bytes, fat::kClusterLow, first_cluster);
  put_number(bytes, fat::kFileSize, size);
}

std::span<std::byte> FatDirectory::append() {
  bytes_.resize(bytes_.size() + fat::kEntrySize);
  return std::span(bytes_).last(fat::kEntrySize);
}

void FatDirectory::append_alias(const FatAlias& alias, unsigned attributes) {
  const auto entry = append();
  std::ranges::transform(alias, entry.begin(), [](char c) { return static_cast<std::byte>(c); });
  entry[fat::kAttributes] = static_cast<std::byte>(attributes);
  for (const std::size_t day : {fat::kCreatedOn, fat::kAccessedOn, fat::kWrittenOn}) put_number(entry, day, kFirstDay);
}

// The last part first.
void FatDirectory::append_long_name(std::u16string_view name, std::uint8_t checksum) {
  const std::size_t parts = (name.size() + fat::kUnitsPerEntry - 1) / fat::kUnitsPerEntry;
  for (std::size_t part = parts; part > 0; --part) {
    const auto entry = append();
    entry[0] = static_cast<std::byte>(part | (part == parts ? fat::kLastPart : 0));
    entry[fat::kAttributes] = static_cast<std::byte>(fat::kLongName);
    entry[fat::kAliasChecksum] = static_cast<std::byte>(checksum);
    for (std::size_t i = 0; i < fat::kUnitsPerEntry; ++i) {
      const char16_t unit = unit_at(name, (part - 1) * fat::kUnitsPerEntry + i);
      put_number(entry, fat::kUnitOffsets[i], static_cast<std::uint16_t>(unit));
    }
  }
}

}  // namespace basecache::drive
