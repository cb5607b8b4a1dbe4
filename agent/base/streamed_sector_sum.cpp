#include "agent/base/streamed_sector_sum.hpp"

#include <algorithm>

namespace basecache {

void StreamedSectorSum::add(std::span<const std::byte> bytes) {
  if (held_ > 0) {
    const auto part = bytes.first(std::min(bytes.size(), sector_.size() - held_));
    std::ranges::copy(part, sector_.begin() + static_cast<std::ptrdiff_t>(held_));
    held_ += part.size();
    bytes = bytes.subspan(part.size());
    if (held_ < sector_.size()) return;
    sum_.add(sector_, offset_);
    offset_ += sector_.size();
    held_ = 0;
  }
  const auto whole = bytes.first(bytes.size() / SectorSum::kSector * SectorSum::kSector);
  sum_.add(whole, offset_);
  offset_ += whole.size();
  std::ranges::copy(bytes.subspan(whole.size()), sector_.begin());
  held_ = bytes.size() - whole.size();
}

SectorSum StreamedSectorSum::finish() {
  sum_.add(std::span(sector_).first(held_), offset_);
  return sum_;
}

}  // namespace basecache
