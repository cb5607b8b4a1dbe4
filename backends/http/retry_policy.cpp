#include "backends/http/retry_policy.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <string>

#include "agent/base/text.hpp"

namespace basecache::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A week: what a server asks beyond it is cut before arithmetic can overflow; the policy's cap is far below.
constexpr seconds kAbsurd{7 * 24 * 3600};

milliseconds fraction_of(milliseconds whole, double fraction) {
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(whole.count()) * fraction));
}

milliseconds exponential(const RetryParameters& parameters, unsigned failures) {
  milliseconds delay = std::min(parameters.first_delay, parameters.longest_delay);
  for (unsigned i = 1; i < failures && delay < parameters.longest_delay && delay.count() > 0; ++i) {
    delay = std::min(delay * 2, parameters.longest_delay);
  }
  return delay;
}

}  // namespace

std::optional<milliseconds> next_delay(const RetryParameters& parameters, unsigned failures,
                                       std::optional<seconds> retry_after, double random) {
  if (failures > parameters.retries) return std::nullopt;
  const milliseconds whole = exponential(parameters, failures);
  const milliseconds fixed = whole / 2;
  const milliseconds backoff = fixed + fraction_of(whole - fixed, random);
  if (!retry_after) return backoff;
  const milliseconds asked = std::min<milliseconds>(std::min(*retry_after, kAbsurd), parameters.longest_retry_after);
  return std::max(backoff, asked + fraction_of(parameters.first_delay, random));
}

std::optional<seconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  if (const auto number = parse_unsigned(value)) {
    return seconds(std::min(*number, static_cast<std::uint64_t>(kAbsurd.count())));
  }
  const std::time_t date = ::curl_getdate(std::string(value).c_str(), nullptr);
  if (date == -1) return std::nullopt;
  return std::clamp(seconds(date - std::chrono::system_clock::to_time_t(now)), seconds(0), kAbsurd);
}

}  // namespace basecache::http
