#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace basecache::http {

struct RetryParameters {
  unsigned retries = 3;                        // attempts after the first one that bring nothing; 0: none at all
  std::chrono::milliseconds first_delay{500};  // doubles with each failure; 0: no waiting at all
  std::chrono::milliseconds longest_delay{30'000};
  std::chrono::milliseconds longest_retry_after{120'000};  // a server may ask for patience, not for a day of it
};

// How long to wait after the `failures`-th failure in a row (0: the last attempt brought something); nothing when it
// was the last attempt. Half of the capped exponential delay is fixed and half is `random` (in [0, 1)), so that the
// nodes that failed together don't come back together. Never earlier than `retry_after`, up to its cap, plus the jitter
// of one first_delay.
std::optional<std::chrono::milliseconds> next_delay(const RetryParameters& parameters, unsigned failures,
                                                    std::optional<std::chrono::seconds> retry_after, double random);

// The value of a Retry-After header: seconds, or an HTTP date (a past one is 0). Nothing for anything else.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::chrono::system_clock::time_point now);

}  // namespace basecache::http
