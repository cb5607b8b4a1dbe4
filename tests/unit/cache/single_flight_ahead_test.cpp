// Builds ahead of need, and those that somebody waits for, on one thread.

#include <doctest/doctest.h>

#include <future>

#include "agent/cache/leases.hpp"
#include "agent/cache/single_flight.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

OpContext ahead_operation(std::stop_token stop = {}, ProgressSink progress = {}) {
  OpContext op = test_operation(std::move(stop), std::move(progress));
  op.set_ahead();
  return op;
}

struct OneThread {
  OneThread() { layout::prepare_directories(layout); }

  // Passes the gate, then has its base file.
  cache::SingleFlight::Build build(Gate& passed) {
    return [this, &passed](OpContext& op) {
      ++builds;
      passed.pass(op);
      OpContext held = test_operation();
      const auto key = model::CacheKey::for_swap(1);
      write_file(layout.base_file(key), "swap");
      return cache::BaseFileLease(leases.hold(key, held), *cache::BaseFile::find(layout, key),
                                  cache::HowAcquired::built);
    };
  }

  std::future<cache::HowAcquired> start(const char* name, OpContext op, Gate& passed) {
    return std::async(std::launch::async, [this, name, held = std::move(op), &passed]() mutable {
      return flights.run(name, held, build(passed)).how();
    });
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  cache::Leases leases{layout};
  Gate ahead_gate, gate;
  std::atomic<int> builds = 0;
  cache::SingleFlight flights{1};
};

void yield_until(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("a build ahead of need gives its thread to one that somebody waits for, and starts again behind it") {
  OneThread f;
  f.ahead_gate.close();
  f.gate.close();
  auto ahead = f.start("listed", ahead_operation(), f.ahead_gate);
  f.ahead_gate.wait_for_arrivals(1);
  auto create = f.start("wanted", test_operation(), f.gate);
  f.gate.wait_for_arrivals(1);  // although the other one would never end
  CHECK(f.builds == 2);
  f.ahead_gate.open();
  f.gate.open();
  CHECK(create.get() == cache::HowAcquired::built);
  CHECK(ahead.get() == cache::HowAcquired::built);
  CHECK(f.builds == 3);
}

TEST_CASE("a build ahead of need waits until nobody else's build has the thread or waits for it") {
  OneThread f;
  f.gate.close();
  std::atomic<bool> waits = false;
  auto first = f.start("first", test_operation(), f.gate);
  f.gate.wait_for_arrivals(1);
  auto ahead =
      f.start("listed", ahead_operation({}, [&](const Progress& told) { waits = told.step == "wait"; }), f.ahead_gate);
  yield_until([&] { return waits.load(); });
  CHECK(f.flights.callers("listed") == 0);  // it doesn't stand in the queue of the others
  auto second = f.start("second", test_operation(), f.gate);
  yield_until([&] { return f.flights.callers("second") == 1; });
  CHECK(f.flights.callers("listed") == 0);
  f.gate.open();
  first.get();
  second.get();
  CHECK(ahead.get() == cache::HowAcquired::built);
  CHECK(f.builds == 3);
}

TEST_CASE("a build ahead of need that somebody joins is his, and gives way to nobody") {
  OneThread f;
  f.ahead_gate.close();
  auto ahead = f.start("listed", ahead_operation(), f.ahead_gate);
  f.ahead_gate.wait_for_arrivals(1);
  auto create = f.start("listed", test_operation(), f.gate);
  yield_until([&] { return f.flights.callers("listed") == 2; });
  auto other = f.start("other", test_operation(), f.gate);
  yield_until([&] { return f.flights.callers("other") == 1; });
  f.ahead_gate.open();
  CHECK(create.get() == cache::HowAcquired::joined);
  CHECK(ahead.get() == cache::HowAcquired::built);
  CHECK(other.get() == cache::HowAcquired::built);
  CHECK(f.builds == 2);
}

TEST_CASE("work ahead of need that joins somebody's build takes no limit off its transfer") {
  OneThread f;
  f.gate.close();
  std::optional<std::uint64_t> rate;
  OpContext slow = test_operation();
  slow.set_transfers({.token = Secret(), .bytes_per_second = {5}});
  auto limited = std::async(std::launch::async, [&] {
    f.flights.run("listed", slow, [&, build = f.build(f.gate)](OpContext& op) {
      auto lease = build(op);
      rate = op.transfers().bytes_per_second.now();
      return lease;
    });
  });
  f.gate.wait_for_arrivals(1);
  auto ahead = f.start("listed", ahead_operation(), f.ahead_gate);
  yield_until([&] { return f.flights.callers("listed") == 2; });
  f.gate.open();
  limited.get();
  CHECK(ahead.get() == cache::HowAcquired::joined);
  CHECK(rate == 5);
}

TEST_CASE("work ahead of need that waits for a thread can be cancelled, and has a deadline") {
  OneThread f;
  f.gate.close();
  auto create = f.start("wanted", test_operation(), f.gate);
  f.gate.wait_for_arrivals(1);
  std::stop_source stop;
  auto ahead =
      f.start("listed", ahead_operation(stop.get_token(), [&](const Progress&) { stop.request_stop(); }), f.ahead_gate);
  CHECK_THROWS_AS(ahead.get(), Cancelled);
  OpContext late("late", {}, OpContext::Clock::now());
  late.set_ahead();
  CHECK_THROWS_AS(f.flights.run("listed", late, f.build(f.ahead_gate)), Error);
  f.gate.open();
  create.get();
  CHECK(f.builds == 1);
}
