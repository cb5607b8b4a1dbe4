#include "backends/decode/arriving_file.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::decode {

void ArrivingFile::arrived(std::uint64_t length) {
  const std::lock_guard guard(mutex_);
  arrived_ = std::max(arrived_, length);
  changed_.notify_all();
}

void ArrivingFile::break_off() {
  const std::lock_guard guard(mutex_);
  broken_off_ = true;
  changed_.notify_all();
}

std::uint64_t ArrivingFile::wait_beyond(std::uint64_t length) {
  std::unique_lock guard(mutex_);
  changed_.wait(guard, [&] { return broken_off_ || arrived_ > length; });
  if (broken_off_) throw Error(ErrorCode::source_unavailable, "the image broke off while it was decoded");
  return arrived_;
}

std::uint64_t ArrivingFile::size() const { return state_of(fd_, "the image being decoded").size.count; }

void ArrivingFile::read(std::span<std::byte> out, std::uint64_t offset) const {
  const std::size_t count = read_at(fd_, out, static_cast<off_t>(offset), "the image being decoded");
  std::ranges::fill(out.subspan(count), std::byte{0});
}

}  // namespace basecache::decode
