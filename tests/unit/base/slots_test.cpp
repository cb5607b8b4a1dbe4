#include "agent/base/slots.hpp"

#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"

using namespace basecache;

namespace {

constexpr std::chrono::minutes kLong{5};

OpContext op_until(OpContext::Clock::time_point deadline, std::stop_token stop = {}) {
  return OpContext("test", std::move(stop), deadline);
}

OpContext patient() { return op_until(OpContext::Clock::now() + kLong); }

}  // namespace

TEST_CASE("no more than the slots are taken at once") {
  Slots slots(2);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::jthread> takers;
  for (int i = 0; i < 8; ++i) {
    takers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        const auto slot = slots.take(patient());
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        --inside;
      }
    });
  }
  takers.clear();
  CHECK(most <= 2);
  CHECK(most >= 1);
}

TEST_CASE("who leaves the queue leaves the slot to the next") {
  Slots slots(1);
  auto held = std::optional(slots.take(patient()));
  SUBCASE("out of time") { CHECK_THROWS_AS(slots.take(op_until(OpContext::Clock::now())), Error); }
  SUBCASE("cancelled") {
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(slots.take(op_until(OpContext::Clock::now() + kLong, stop.get_token())), Cancelled);
  }
  auto next = std::async(std::launch::async, [&] { (void)slots.take(patient()); });
  held.reset();
  next.get();
}

TEST_CASE("slots are given in the order in which they were asked for") {
  Slots slots(1);
  std::mutex mutex;
  std::vector<int> order;
  auto held = std::optional(slots.take(patient()));
  std::vector<std::jthread> takers;
  for (int i = 0; i < 4; ++i) {
    takers.emplace_back([&, i] {
      const auto slot = slots.take(patient());
      const std::lock_guard guard(mutex);
      order.push_back(i);
    });
    while (slots.waiting() != static_cast<std::size_t>(i) + 1) std::this_thread::yield();
  }
  held.reset();
  takers.clear();
  CHECK(order == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("who has to wait is told so") {
  Slots slots(1);
  std::vector<std::string> told;
  const OpContext op("test", {}, OpContext::Clock::now(),
                     [&told](const Progress& progress) { told.push_back(progress.step); });
  {
    const auto held = slots.take(patient());
    CHECK_THROWS_AS(slots.take(op), Error);
    CHECK(told == std::vector<std::string>{"wait"});
  }
  (void)slots.take(op);
  CHECK(told.size() == 1);
}
