#include "agent/cache/single_flight.hpp"

#include <doctest/doctest.h>

#include <future>

#include "agent/base/waiting_hook.hpp"
#include "agent/cache/leases.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// A flight whose build reports progress and passes a gate.
struct Flights {
  Flights() { layout::prepare_directories(layout); }

  cache::SingleFlight::Build build() {
    return [this](OpContext& op) {
      ++builds;
      gate.pass(op);
      op.report({.step = "fetch", .subject = "x", .done = 5, .total = 10});
      op.steps().add({"fetch", std::chrono::milliseconds(7)});
      if (fails) throw Error(ErrorCode::no_space, "the disk is full");
      OpContext held = test_operation();
      const auto key = model::CacheKey::for_swap(1);
      write_file(layout.base_file(key), "swap");
      return cache::BaseFileLease(leases.hold(key, held), *cache::BaseFile::find(layout, key),
                                  cache::HowAcquired::built);
    };
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  cache::Leases leases{layout};
  Gate gate;
  std::atomic<int> builds = 0;
  bool fails = false;
  cache::SingleFlight flights{2};
};

}  // namespace

TEST_CASE("every caller of one flight sees its progress; the one who started it gets its steps, others their wait") {
  Flights f;
  f.gate.close();
  std::atomic<int> first_seen = 0;
  std::atomic<int> second_seen = 0;
  std::promise<void> second_calls;
  const auto call = [&f](std::atomic<int>& seen) {
    OpContext op = test_operation({}, [&seen](const Progress&) { ++seen; });
    f.flights.run("x", op, f.build());
    return op.steps().steps().at(0).name;
  };
  auto first = std::async(std::launch::async, [&] { return call(first_seen); });
  f.gate.wait_for_arrivals(1);
  auto second = std::async(std::launch::async, [&] { return call(second_seen); });
  while (f.flights.callers("x") < 2) std::this_thread::yield();
  f.gate.open();
  CHECK(first.get() == "fetch");
  CHECK(second.get() == "wait");
  CHECK(first_seen == 1);
  CHECK(second_seen == 1);
  CHECK(f.builds == 1);
}

TEST_CASE("a build transfers as the caller who started it wants, and every caller hears its notes") {
  Flights f;
  f.gate.close();
  const auto call = [&f](const char* token) {
    OpContext op = test_operation();
    op.set_transfers({.token = Secret(token), .bytes_per_second = {5}});
    f.flights.run("x", op, [build = f.build()](OpContext& build_op) {
      build_op.note("by " + build_op.transfers().token.reveal());
      CHECK(build_op.transfers().bytes_per_second.now() == 5);
      return build(build_op);
    });
    return op.notes();
  };
  auto first = std::async(std::launch::async, call, "first");
  f.gate.wait_for_arrivals(1);
  auto second = std::async(std::launch::async, call, "second");
  while (f.flights.callers("x") < 2) std::this_thread::yield();
  f.gate.open();
  CHECK(first.get() == std::vector<std::string>{"by first"});
  CHECK(second.get() == std::vector<std::string>{"by first"});
}

TEST_CASE("a build sees a hook that comes to wait later") {
  Flights f;
  OpContext op = test_operation();
  f.flights.run("x", op, [hooks = op.hook_wait(), build = f.build()](OpContext& build_op) {
    CHECK_FALSE(build_op.hook_wait().is_on());
    const WaitingHook hook(hooks);
    CHECK(build_op.hook_wait().is_on());
    return build(build_op);
  });
}

TEST_CASE("who joins a build with a higher limit, or none, raises its limit") {
  Flights f;
  f.gate.close();
  std::optional<std::uint64_t> before = 0;
  std::optional<std::uint64_t> after = 0;
  const auto call = [&f, &before, &after](std::optional<std::uint64_t> rate) {
    OpContext op = test_operation();
    op.set_transfers({.token = Secret(), .bytes_per_second = rate});
    f.flights.run("x", op, [&, build = f.build()](OpContext& build_op) {
      before = build_op.transfers().bytes_per_second.now();
      auto lease = build(build_op);
      after = build_op.transfers().bytes_per_second.now();
      return lease;
    });
    return op.transfers().bytes_per_second.now();
  };
  auto slow = std::async(std::launch::async, call, 5);
  f.gate.wait_for_arrivals(1);
  auto fast = std::async(std::launch::async, call, std::nullopt);
  while (f.flights.callers("x") < 2) std::this_thread::yield();
  f.gate.open();
  CHECK(slow.get() == 5);  // his own operation's stays his
  CHECK_FALSE(fast.get());
  CHECK(before == 5);
  CHECK_FALSE(after);
}

TEST_CASE("each caller gets a failure of its own to add context to") {
  Flights f;
  f.fails = true;
  f.gate.close();
  const auto call = [&f](const char* context) -> std::string {
    OpContext op = test_operation();
    try {
      f.flights.run("x", op, f.build());
    } catch (Error& error) {
      return error.add_context(context).message();
    }
    return "";
  };
  auto first = std::async(std::launch::async, call, "first");
  f.gate.wait_for_arrivals(1);
  auto second = std::async(std::launch::async, call, "second");
  while (f.flights.callers("x") < 2) std::this_thread::yield();
  f.gate.open();
  CHECK(first.get() == "first: the disk is full");
  CHECK(second.get() == "second: the disk is full");
}

TEST_CASE("a caller whose time is up leaves with timed_out") {
  Flights f;
  f.gate.close();
  OpContext op("late", {}, OpContext::Clock::now());
  try {
    f.flights.run("x", op, f.build());
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::timed_out);
  }
}

TEST_CASE("builds of different names run side by side") {
  Flights f;
  f.gate.close();
  const auto call = [&f](const char* name) {
    OpContext op = test_operation();
    f.flights.run(name, op, f.build());
  };
  auto x = std::async(std::launch::async, call, "x");
  auto y = std::async(std::launch::async, call, "y");
  f.gate.wait_for_arrivals(2);
  f.gate.open();
  x.get();
  y.get();
  CHECK(f.builds == 2);
}

TEST_CASE("ending the flights cancels what runs") {
  Flights f;
  f.gate.close();
  std::future<bool> caller;
  {
    cache::SingleFlight flights(1);
    caller = std::async(std::launch::async, [&] {
      OpContext op = test_operation();
      try {
        flights.run("x", op, f.build());
      } catch (const Cancelled&) {
        return true;
      }
      return false;
    });
    f.gate.wait_for_arrivals(1);
    flights.cancel_all();
    CHECK(caller.get());
  }
}
