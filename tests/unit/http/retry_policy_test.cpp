#include "backends/http/retry_policy.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <vector>

#include "backends/http/fault.hpp"

namespace basecache::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr RetryParameters kParameters{.retries = 9,
                                      .first_delay = milliseconds(100),
                                      .longest_delay = milliseconds(1000),
                                      .longest_retry_after = milliseconds(5000)};
constexpr double kAlmostOne = 0.999999;

struct DelayCase {
  unsigned failures;
  std::optional<seconds> retry_after;
  double random;
  std::optional<milliseconds> expected;
};

TEST_CASE("the delay doubles up to its cap, half of it is random, and Retry-After is a lower bound with a cap") {
  const std::vector<DelayCase> cases{
      {1, {}, 0.0, milliseconds(50)},
      {1, {}, 0.5, milliseconds(75)},
      {2, {}, 0.0, milliseconds(100)},
      {3, {}, 0.0, milliseconds(200)},
      {4, {}, 0.0, milliseconds(400)},
      {5, {}, 0.0, milliseconds(500)},  // half of the cap
      {9, {}, 0.5, milliseconds(750)},
      {10, {}, 0.0, std::nullopt},
      {10, seconds(1), 0.0, std::nullopt},
      {1, seconds(0), 0.0, milliseconds(50)},
      {1, seconds(2), 0.0, milliseconds(2000)},
      {1, seconds(2), 0.5, milliseconds(2050)},
      {1, seconds(86400), 0.0, milliseconds(5000)},
      {1, seconds::max(), 0.5, milliseconds(5050)},
  };
  for (const DelayCase& c : cases) {
    CAPTURE(c.failures);
    CAPTURE(c.random);
    CHECK(next_delay(kParameters, c.failures, c.retry_after, c.random) == c.expected);
  }
}

TEST_CASE("the delay stays between half of the exponential one and all of it, whatever chance says") {
  for (unsigned failures = 1; failures <= kParameters.retries; ++failures) {
    const auto least = next_delay(kParameters, failures, {}, 0.0);
    const auto most = next_delay(kParameters, failures, {}, kAlmostOne);
    REQUIRE(least);
    REQUIRE(most);
    CHECK(*least * 2 <= kParameters.longest_delay);
    CHECK(*most <= *least * 2);
  }
}

TEST_CASE("no first delay means no waiting, and no retries means one attempt") {
  CHECK(next_delay({.retries = 100, .first_delay = milliseconds(0)}, 99, {}, kAlmostOne) == milliseconds(0));
  CHECK(next_delay({.retries = 0}, 1, {}, 0.0) == std::nullopt);
}

TEST_CASE("a number of failures that would overflow the doubling is capped") {
  const RetryParameters patient{.retries = 4'000'000, .longest_delay = milliseconds(1000)};
  CHECK(next_delay(patient, 4'000'000, {}, 0.0) == milliseconds(500));
}

TEST_CASE("Retry-After is read as seconds or as a date") {
  const auto now = system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  struct Case {
    const char* value;
    std::optional<seconds> expected;
  };
  const std::vector<Case> cases{
      {"0", seconds(0)},
      {"120", seconds(120)},
      {"99999999999", seconds(7 * 24 * 3600)},
      {"Sun, 06 Nov 1994 08:49:37 GMT", seconds(0)},
      {"Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)},
      {"Sun, 06 Nov 1994 08:00:00 GMT", seconds(0)},
      {"Sun, 06 Nov 2034 08:00:00 GMT", seconds(7 * 24 * 3600)},
      {"", std::nullopt},
      {"-5", std::nullopt},
      {"soon", std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(parse_retry_after(c.value, now) == c.expected);
  }
}

TEST_CASE("connections, stalls, truncated bodies, 408, 429 and 5xx are retried, and nothing else") {
  for (const FaultKind kind : {FaultKind::unreachable, FaultKind::stalled, FaultKind::truncated}) {
    CHECK(is_retried(kind, 0));
  }
  for (const FaultKind kind : {FaultKind::untrusted, FaultKind::misspoken, FaultKind::redirect_loop,
                               FaultKind::forbidden_redirect, FaultKind::forbidden_address}) {
    CHECK_FALSE(is_retried(kind, 503));
  }
  for (const int status : {408, 429, 500, 502, 503, 504, 599}) CHECK(is_retried(FaultKind::status, status));
  for (const int status : {204, 206, 300, 304, 400, 401, 403, 404, 410, 416, 451}) {
    CHECK_FALSE(is_retried(FaultKind::status, status));
  }
}

}  // namespace
}  // namespace basecache::http
