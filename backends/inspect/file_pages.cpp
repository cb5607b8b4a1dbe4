#include "backends/inspect/file_pages.hpp"

#include <algorithm>

namespace basecache::inspect {

std::span<const std::byte> FilePages::from(std::uint64_t offset) {
  const std::uint64_t number = offset / kPageSize;
  Page& page = pages_[number % pages_.size()];
  if (page.number != number) {
    const std::uint64_t at = number * kPageSize;
    const std::uint64_t rest = file_.length() - std::min(at, file_.length());
    page.bytes = file_.read({at, std::min(kPageSize, rest)});
    page.number = number;
  }
  const std::span<const std::byte> bytes(page.bytes);
  return bytes.subspan(std::min<std::uint64_t>(offset % kPageSize, bytes.size()));
}

}  // namespace basecache::inspect
