#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace basecache::drive {

// What Rock Ridge says of a file (IEEE P1282 in the fields of IEEE P1281).
struct RockRidge {
  std::string name;         // "": nothing
  bool is_special = false;  // a symbolic link, a device
  bool is_moved = false;    // a directory that stands elsewhere
};

// How many bytes of each directory record come before its fields, by the first record of the root directory; nothing
// where there is no Rock Ridge.
std::optional<std::size_t> rock_ridge_skip(std::span<const std::byte> system_use);

// Of one record's fields, and of those that they go on with elsewhere on the medium. Error(image_unacceptable) when
// they lead out of it.
RockRidge rock_ridge_of(std::span<const std::byte> medium, std::span<const std::byte> system_use);

}  // namespace basecache::drive
