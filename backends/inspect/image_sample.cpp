#include "backends/inspect/image_sample.hpp"

#include <algorithm>

namespace basecache::inspect {

void ImageSample::feed(std::span<const std::byte> bytes) {
  const std::size_t missing = std::min<std::size_t>(kHeadSize - head_.size(), bytes.size());
  head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
  feed_window(bytes, length_);
  feed_tail(bytes);
  length_ += bytes.size();
}

void ImageSample::keep(ByteRange window) {
  wanted_ = ByteRange{window.offset, std::min(window.length, kMaxWindow)};
  feed_window(head_, 0);
}

std::span<const std::byte> ImageSample::tail() const {
  const std::span<const std::byte> all(tail_);
  return all.size() > kTailSize ? all.last(kTailSize) : all;
}

void ImageSample::feed_window(std::span<const std::byte> bytes, std::uint64_t position) {
  if (!wanted_) return;
  const std::uint64_t next = wanted_->offset + window_.size();  // the window's first byte that has not passed
  if (next < position || next - position >= bytes.size()) return;
  const std::span<const std::byte> rest = bytes.subspan(next - position);
  const std::size_t count = std::min<std::uint64_t>(wanted_->length - window_.size(), rest.size());
  window_.insert(window_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
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
