#include "backends/http/stall_watch.hpp"

#include <algorithm>

namespace basecache::http {

StallWatch::StallWatch(Clock::time_point now, std::chrono::milliseconds window, std::uint64_t slowest)
    : window_(window),
      needed_(std::max<std::uint64_t>(1, slowest * static_cast<std::uint64_t>(window.count()) / 1000)),
      begin_(now) {}

bool StallWatch::stalled(Clock::time_point now) {
  if (now < window_end()) return false;
  if (bytes_ < needed_) return true;
  begin_ = now;
  bytes_ = 0;
  return false;
}

}  // namespace basecache::http
