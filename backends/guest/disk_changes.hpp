#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/guest/changed_pages.hpp"

namespace basecache::guest {

// A part of a disk that gets other bytes.
struct DiskChange {
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;
};
using DiskChanges = std::vector<DiskChange>;  // by offset, without overlaps

// More than all that a request may inject (1 MiB), with the tables that change around it.
inline constexpr std::size_t kMostChangedPages = 16 * 1024;

DiskChanges changes_of(const ChangedPages& pages);

// As they go from the child to its parent: offset and length of each, 8 bytes each in the host's order, and its bytes.
std::vector<std::byte> to_bytes(const DiskChanges& changes);
// Error(tool_failed) for what isn't changes of a disk of that size, in order, of whole pages (but for its end), of
// kMostChangedPages at most: the guest may have taken the child over.
DiskChanges changes_from(std::span<const std::byte> bytes, std::uint64_t disk_size);

}  // namespace basecache::guest
