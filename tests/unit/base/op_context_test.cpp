#include "agent/base/op_context.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

OpContext late_operation() { return OpContext("late", {}, OpContext::Clock::now() - std::chrono::seconds(1)); }

}  // namespace

TEST_CASE("an operation goes on until it is stopped") {
  std::stop_source source;
  const OpContext op = test::test_operation(source.get_token());
  CHECK_NOTHROW(op.check());
  source.request_stop();
  CHECK_THROWS_AS(op.check(), Cancelled);
}

TEST_CASE("an operation ends with an error when its deadline has passed") {
  try {
    late_operation().check();
    FAIL("not late");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::timed_out);
    CHECK_FALSE(error.hint().empty());
  }
}

TEST_CASE("who cancels is told so even when the deadline has passed too") {
  std::stop_source source;
  source.request_stop();
  const OpContext op("both", source.get_token(), OpContext::Clock::now());
  CHECK_THROWS_AS(op.check(), Cancelled);
}

TEST_CASE("a stop ends a wait") {
  std::stop_source source;
  const OpContext op = test::test_operation(source.get_token());
  std::thread stopper([&] { source.request_stop(); });
  CHECK_THROWS_AS(op.wait_for(std::chrono::hours(1)), Cancelled);
  stopper.join();
}

TEST_CASE("the deadline ends a wait") { CHECK_THROWS_AS(late_operation().wait_for(std::chrono::hours(1)), Error); }

TEST_CASE("a wait that runs its time returns") {
  CHECK_NOTHROW(test::test_operation().wait_for(std::chrono::nanoseconds(1)));
}

TEST_CASE("progress goes to whoever listens") {
  std::string heard;
  test::test_operation({}, [&](const Progress& progress) { heard = progress.step; }).report({"fetch", "key", 1, 2});
  CHECK(heard == "fetch");
  CHECK_NOTHROW(test::test_operation().report({"fetch", "key", 1, {}}));
}

}  // namespace basecache
