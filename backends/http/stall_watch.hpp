#pragma once

#include <chrono>
#include <cstdint>

namespace basecache::http {

// Notices a sender that is connected and sends (almost) nothing: fewer bytes in a window than `slowest` a second
// allows. Only waiting counts: excuse() leaves out the time that we spent on what had come.
// Not curl's own low-speed limit, which knows whole seconds and blames the server for our slow disks.
class StallWatch {
 public:
  using Clock = std::chrono::steady_clock;

  StallWatch(Clock::time_point now, std::chrono::milliseconds window, std::uint64_t slowest);

  void received(std::uint64_t bytes) { bytes_ += bytes; }
  void excuse(Clock::duration time) { begin_ += time; }
  // Whether the window that ends by now was a stall; starts the next window when it wasn't.
  bool stalled(Clock::time_point now);
  Clock::time_point window_end() const { return begin_ + window_; }

 private:
  std::chrono::milliseconds window_;
  std::uint64_t needed_;
  Clock::time_point begin_;
  std::uint64_t bytes_ = 0;
};

}  // namespace basecache::http
