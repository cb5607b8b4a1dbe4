#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/drive/fat_names.hpp"

namespace basecache::drive {

// The entries of one directory, as they stand on a vfat medium. First every name, which makes its size; where the
// names' contents begin is put in when that is known. All times are 1980-01-01 00:00, where FAT's begin.
class FatDirectory {
 public:
  // Whether it is the root, which has the medium's label in place of "." and "..".
  explicit FatDirectory(std::string_view label);
  FatDirectory(std::uint16_t own_cluster, std::uint16_t parent_cluster);  // 0: the root

  // Returns which entry it is. Error(invalid_request) for a name that VFAT can't have, or has there already.
  std::size_t add(std::string_view name, bool is_directory);
  void point(std::size_t entry, std::uint16_t first_cluster, std::uint32_t size);

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> append();
  void append_alias(const FatAlias& alias, unsigned attributes);
  void append_long_name(std::u16string_view name, std::uint8_t checksum);

  std::vector<std::byte> bytes_;
  std::set<FatAlias> aliases_;
  std::set<std::string> names_;  // folded
};

}  // namespace basecache::drive
