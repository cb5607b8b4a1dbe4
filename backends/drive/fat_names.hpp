#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace basecache::drive {

// The short name of a file: eight bytes and three, filled up with blanks, upper case ("META_D~1JSO").
using FatAlias = std::array<char, 11>;

// A name as VFAT keeps it, in UTF-16 (Microsoft, "FAT32 File System Specification", long directory entries).
// Error(invalid_request) for one that VFAT can't have: not UTF-8, longer than 255 units, with a character of
// "*:<>?\| in it, or ending in a dot or blank.
std::u16string long_name(std::string_view name);

// Text of UTF-16 as UTF-8; a half of a pair becomes U+FFFD.
std::string utf8_of(std::u16string_view text);

// Names that differ in the case of letters alone (a-z) are one name to VFAT.
std::string folded(std::string_view name);

// The name is its own alias, and needs no long one ("0000").
bool is_short(std::string_view name);

// A short name that none of `taken` is: the name itself in upper case where that loses nothing else, else with a number
// ("VENDOR~2JSO"). Error(invalid_request) when there is none left.
FatAlias alias_of(std::string_view name, const std::set<FatAlias>& taken);

// What entries of a long name are tied to their short one by.
std::uint8_t checksum_of(const FatAlias& alias);

}  // namespace basecache::drive
