#include "agent/base/throttle.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

constexpr Bytes kBlock{1000};

OpContext operation_of(std::chrono::milliseconds life) { return {"test", {}, OpContext::Clock::now() + life}; }

TEST_CASE("without a rate everything passes at once") {
  const OpContext op = operation_of(std::chrono::milliseconds(0));  // in which nothing can wait
  Throttle throttle(RateLimit(), op);
  throttle.restart();
  CHECK_NOTHROW(throttle.pass(kBlock));
}

TEST_CASE("who is ahead of the rate waits, as long as the operation may") {
  const OpContext op = operation_of(std::chrono::milliseconds(20));
  Throttle throttle(RateLimit(1), op);  // a thousand seconds for a block
  throttle.restart();
  CHECK_THROWS_AS(throttle.pass(kBlock), Error);
}

TEST_CASE("a limit that is lifted while a body comes holds it up no longer") {
  const OpContext op = operation_of(std::chrono::minutes(1));
  RateLimit limit(1);
  Throttle throttle(limit, op);
  throttle.restart();
  limit.raise_to(RateLimit());
  CHECK_NOTHROW(throttle.pass(kBlock));
}

TEST_CASE("a wait ends with the operation") {
  std::stop_source stop;
  stop.request_stop();
  const OpContext op("test", stop.get_token(), OpContext::Clock::time_point::max());
  Throttle throttle(RateLimit(1), op);
  throttle.restart();
  CHECK_THROWS_AS(throttle.pass(kBlock), Cancelled);
}

}  // namespace
}  // namespace basecache
