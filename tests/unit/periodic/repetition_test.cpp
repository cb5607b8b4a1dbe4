#include "agent/periodic/repetition.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::periodic;
using namespace std::chrono_literals;

namespace {

// Time that stands still but when somebody waits, until `runs` have been waited for.
struct FakeTime {
  Timing timing() {
    return {.now = [this] { return now; },
            .random = [this] { return random; },
            .wait_until =
                [this](Clock::time_point until) {
                  waited.push_back(until - now);
                  now = until;
                  return waited.size() <= runs;
                }};
  }

  Clock::time_point now{1000h};
  double random = 0.5;
  std::size_t runs = 3;
  std::vector<Clock::duration> waited = {};
};

}  // namespace

TEST_CASE("a next run begins an interval after the last one, give or take a tenth") {
  const Clock::time_point now{5h};
  CHECK(next_run(now, 1000s, 0) == now + 900s);
  CHECK(next_run(now, 1000s, 0.5) == now + 1000s);
  CHECK(next_run(now, 1000s, 1) == now + 1100s);
}

TEST_CASE("a run that is due at the start begins within a tenth of its interval, at most a minute") {
  const Clock::time_point now{5h};
  CHECK(first_run(now, 100s, 0) == now);
  CHECK(first_run(now, 100s, 1) == now + 10s);
  CHECK(first_run(now, 3600s, 1) == now + 60s);
  CHECK(first_run(now, 3600s, 0.5) == now + 30s);
  CHECK(first_run(now, 0s, 1) == now + 60s);
}

TEST_CASE("what isn't due at the start first waits for its interval, which is counted from the end of each run") {
  FakeTime time;
  int runs = 0;
  repeat(
      {.name = "x", .interval = 100s, .is_due_at_start = false},
      [&] {
        ++runs;
        time.now += 1h;  // longer than the interval: never two at once, and no run is made up for
      },
      time.timing());
  CHECK(runs == 3);
  CHECK(time.waited == std::vector<Clock::duration>(4, 100s));
}

TEST_CASE("what is due at the start begins at once but for its jitter") {
  FakeTime time;
  repeat(
      {.name = "x", .interval = 100s, .is_due_at_start = true}, [] {}, time.timing());
  CHECK(time.waited == std::vector<Clock::duration>{5s, 100s, 100s, 100s});
}

TEST_CASE("an interval of nothing is one run") {
  FakeTime time;
  int runs = 0;
  repeat(
      {.name = "x", .interval = 0s, .is_due_at_start = true}, [&] { ++runs; }, time.timing());
  CHECK(runs == 1);
}

TEST_CASE("a run that fails is followed by the next one") {
  FakeTime time;
  int runs = 0;
  repeat(
      {.name = "x", .interval = 100s, .is_due_at_start = false},
      [&] {
        switch (++runs) {
          case 1:
            throw Error(ErrorCode::busy, "not now");
          case 2:
            throw Cancelled{};
          default:
            throw std::runtime_error("broken");
        }
      },
      time.timing());
  CHECK(runs == 3);
}

TEST_CASE("a stop ends a wait, however long") {
  std::jthread thread([](const std::stop_token& stop) {
    repeat(
        {.name = "x", .interval = 1000h, .is_due_at_start = false}, [] { FAIL("nothing was due"); }, timing_of(stop));
  });
  thread.request_stop();
  thread.join();
}

TEST_CASE("random numbers of the real timing are between 0 and 1, and not all the same") {
  const Timing timing = timing_of({});
  double least = 1, most = 0;
  for (int i = 0; i < 100; ++i) {
    const double random = timing.random();
    least = std::min(least, random);
    most = std::max(most, random);
  }
  CHECK(least >= 0);
  CHECK(most <= 1);
  CHECK(least < most);
}
