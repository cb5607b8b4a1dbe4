#include "backends/http/throttle.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::http {
namespace {

class CountingTaker : public BodyTaker {
 public:
  bool wants(int status) const override { return status == 200; }
  std::optional<Fault> begin(const ResponseHead&) override { return std::nullopt; }
  std::optional<Fault> body(std::span<const std::byte> bytes) override {
    taken += bytes.size();
    return std::nullopt;
  }

  std::size_t taken = 0;
};

constexpr std::array<std::byte, 1000> kBlock{};

TEST_CASE("without a rate everything passes at once") {
  CountingTaker taker;
  const OpContext op = test::test_operation();
  Throttle throttle(taker, RateLimit(), op);
  CHECK_FALSE(throttle.begin({}));
  throttle.body(kBlock);
  CHECK(taker.taken == 1000);
  CHECK(throttle.wants(200));
  CHECK_FALSE(throttle.wants(404));
}

TEST_CASE("who is ahead of the rate waits, as long as the operation may") {
  CountingTaker taker;
  const OpContext op("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(20));
  Throttle throttle(taker, RateLimit(1), op);  // a thousand seconds for a block
  CHECK_FALSE(throttle.begin({}));
  CHECK_THROWS_AS(throttle.body(kBlock), Error);
  CHECK(taker.taken == 1000);
}

TEST_CASE("a limit that is lifted while a body comes holds it up no longer") {
  CountingTaker taker;
  const OpContext op("test", {}, OpContext::Clock::now() + std::chrono::minutes(1));
  RateLimit limit(1);
  Throttle throttle(taker, limit, op);
  CHECK_FALSE(throttle.begin({}));
  limit.raise_to(RateLimit());
  CHECK_FALSE(throttle.body(kBlock));
  CHECK(taker.taken == 1000);
}

TEST_CASE("a wait ends with the operation") {
  CountingTaker taker;
  std::stop_source stop;
  stop.request_stop();
  const OpContext op("test", stop.get_token(), OpContext::Clock::time_point::max());
  Throttle throttle(taker, RateLimit(1), op);
  CHECK_FALSE(throttle.begin({}));
  CHECK_THROWS_AS(throttle.body(kBlock), Cancelled);
}

}  // namespace
}  // namespace basecache::http
