#include "backends/guest/disk_changes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "agent/base/error.hpp"

namespace basecache::guest {
namespace {

using Head = std::array<std::uint64_t, 2>;  // offset, length

// Whole ones, but for the disk's last.
bool are_pages(std::uint64_t offset, std::uint64_t length, std::uint64_t disk_size) {
  if (offset % ChangedPages::kPage != 0) return false;
  return length % ChangedPages::kPage == 0 || offset + length == disk_size;
}

}  // namespace

DiskChanges changes_of(const ChangedPages& pages) {
  DiskChanges changes;
  for (const auto& [number, page] : pages.pages()) {
    const std::uint64_t at = number * ChangedPages::kPage;
    const auto length = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(ChangedPages::kPage, pages.size() - at));
    const bool follows = !changes.empty() && changes.back().offset + changes.back().bytes.size() == at;
    if (!follows) changes.push_back({at, {}});
    changes.back().bytes.insert(changes.back().bytes.end(), page.begin(), page.begin() + length);
  }
  return changes;
}

std::vector<std::byte> to_bytes(const DiskChanges& changes) {
  std::vector<std::byte> bytes;
  for (const DiskChange& change : changes) {
    const auto head = std::bit_cast<std::array<std::byte, sizeof(Head)>>(Head{change.offset, change.bytes.size()});
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), change.bytes.begin(), change.bytes.end());
  }
  return bytes;
}

DiskChanges changes_from(std::span<const std::byte> bytes, std::uint64_t disk_size) {
  DiskChanges changes;
  std::uint64_t end = 0;
  std::uint64_t left = kMostChangedPages * ChangedPages::kPage;
  while (!bytes.empty()) {
    Head head{};
    const bool has_head = bytes.size() >= sizeof head;
    if (has_head) std::memcpy(head.data(), bytes.data(), sizeof head);
    const auto [offset, length] = head;
    const bool is_within = has_head && length != 0 && length <= left && length <= bytes.size() - sizeof head &&
                           offset >= end && offset <= disk_size && length <= disk_size - offset;
    if (!is_within || !are_pages(offset, length, disk_size)) {
      throw Error(ErrorCode::tool_failed, "the reader of the guest's file system made changes that can't be");
    }
    const auto part = bytes.subspan(sizeof head, static_cast<std::size_t>(length));
    changes.push_back({offset, {part.begin(), part.end()}});
    end = offset + length;
    left -= length;
    bytes = bytes.subspan(sizeof head + part.size());
  }
  return changes;
}

}  // namespace basecache::guest
