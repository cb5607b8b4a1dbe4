#include "backends/inspect/image_sample.hpp"

#include <algorithm>

namespace basecache::inspect {

ImageSample::ImageSample() {
  for (const std::uint64_t offset : kSecondLuksHeaders) sectors_.emplace_back(ByteRange{offset, kSectorSize});
}

void ImageSample::feed(std::span<const std::byte> bytes) {
  const std::size_t missing = std::min<std::size_t>(kHeadSize - head_.size(), bytes.size());
  if (head_.empty()) head_.reserve(kHeadSize);  // growing would take twice as much meanwhile
  head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
  for (KeptRange& sector : sectors_) sector.feed(bytes, length_);
  if (window_) window_->feed(bytes, length_);
  feed_tail(bytes);
  length_ += bytes.size();
}

void ImageSample::keep(ByteRange window) {
  window_.emplace(ByteRange{window.offset, std::min(window.length, kMaxWindow)});
  window_->feed(head_, 0);
}

std::span<const std::byte> ImageSample::sector(std::uint64_t offset) const {
  if (offset < head_.size()) {
    return head().subspan(offset, std::min<std::uint64_t>(kSectorSize, head_.size() - offset));
  }
  const auto kept = std::ranges::find(sectors_, offset, &KeptRange::offset);
  return kept == sectors_.end() ? std::span<const std::byte>{} : kept->bytes();
}

std::span<const std::byte> ImageSample::tail() const {
  const std::span<const std::byte> all(tail_);
  return all.size() > kTailSize ? all.last(kTailSize) : all;
}

void ImageSample::feed_tail(std::span<const std::byte> bytes) {
  const std::span<const std::byte> last = bytes.size() > kTailSize ? bytes.last(kTailSize) : bytes;
  if (tail_.size() + last.size() > 2 * kTailSize) {
    const std::size_t surplus = tail_.size() - std::min<std::size_t>(tail_.size(), kTailSize);
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(surplus));
  }
  tail_.insert(tail_.end(), last.begin(), last.end());
}

}  // namespace basecache::inspect
