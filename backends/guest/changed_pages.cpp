#include "backends/guest/changed_pages.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace basecache::guest {
namespace {

constexpr std::size_t kPage = ChangedPages::kPage;

// Calls with_part(number of the page, offset in it, part of the bytes) for each page that they are on.
template <class Span, class WithPart>
void for_each_page(std::uint64_t offset, Span bytes, WithPart&& with_part) {
  while (!bytes.empty()) {
    const auto in_page = static_cast<std::size_t>(offset % kPage);
    const std::size_t length = std::min(bytes.size(), kPage - in_page);
    with_part(offset / kPage, in_page, bytes.first(length));
    offset += length;
    bytes = bytes.subspan(length);
  }
}

void require_within(std::uint64_t offset, std::size_t length, std::uint64_t size) {
  if (offset <= size && length <= size - offset) return;
  throw Error(ErrorCode::storage_unusable, "a place beyond the end of the guest's disk");
}

}  // namespace

void ChangedPages::read_page(std::uint64_t number, std::span<std::byte, kPage> out) const {
  const std::uint64_t at = number * kPage;
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kPage, disk_.size() - at));
  disk_.read(at, out.first(length));
  std::ranges::fill(out.subspan(length), std::byte{0});
}

void ChangedPages::read(std::uint64_t offset, std::span<std::byte> out) const {
  require_within(offset, out.size(), size());
  if (pages_.empty()) return disk_.read(offset, out);
  for_each_page(offset, out, [&](std::uint64_t number, std::size_t at, std::span<std::byte> part) {
    const auto changed = pages_.find(number);
    if (changed == pages_.end()) return disk_.read(number * kPage + at, part);
    std::ranges::copy(std::span(changed->second).subspan(at, part.size()), part.begin());
  });
}

void ChangedPages::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  require_within(offset, bytes.size(), size());
  for_each_page(offset, bytes, [&](std::uint64_t number, std::size_t at, std::span<const std::byte> part) {
    auto changed = pages_.find(number);
    if (changed == pages_.end()) {
      std::array<std::byte, kPage> page{};
      read_page(number, page);
      if (std::ranges::equal(std::span(page).subspan(at, part.size()), part)) return;
      if (pages_.size() >= most_) throw Error(ErrorCode::no_space, "too much of the guest's disk would be changed");
      changed = pages_.emplace(number, page).first;
    }
    std::ranges::copy(part, changed->second.begin() + static_cast<std::ptrdiff_t>(at));
  });
}

}  // namespace basecache::guest
