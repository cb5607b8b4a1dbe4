#include "backends/http/stall_watch.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace basecache::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr StallWatch::Clock::time_point kStart{};

TEST_CASE("fewer bytes in a window than the slowest sender may send are a stall, at the window's end") {
  StallWatch watch(kStart, seconds(10), 100);
  watch.received(999);
  CHECK_FALSE(watch.stalled(kStart + milliseconds(9999)));
  CHECK(watch.stalled(kStart + seconds(10)));
}

TEST_CASE("enough bytes open the next window, which starts from nothing") {
  StallWatch watch(kStart, seconds(10), 100);
  watch.received(1000);
  CHECK_FALSE(watch.stalled(kStart + seconds(10)));
  CHECK(watch.window_end() == kStart + seconds(20));
  CHECK(watch.stalled(kStart + seconds(20)));
}

TEST_CASE("time that we needed ourselves doesn't count") {
  StallWatch watch(kStart, seconds(10), 100);
  watch.excuse(seconds(30));
  CHECK_FALSE(watch.stalled(kStart + seconds(39)));
  CHECK(watch.stalled(kStart + seconds(40)));
}

TEST_CASE("a slowest speed of nothing still asks for a byte") {
  StallWatch watch(kStart, milliseconds(5), 0);
  CHECK(watch.stalled(kStart + milliseconds(5)));
}

}  // namespace
}  // namespace basecache::http
