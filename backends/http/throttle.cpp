#include "backends/http/throttle.hpp"

namespace basecache::http {

std::optional<Fault> Throttle::begin(const ResponseHead& head) {
  began_ = OpContext::Clock::now();
  taken_ = 0;
  return taker_.begin(head);
}

std::optional<Fault> Throttle::body(std::span<const std::byte> bytes) {
  auto fault = taker_.body(bytes);
  if (fault || !rate_) return fault;
  taken_ += bytes.size();
  const std::chrono::duration<double> due(static_cast<double>(taken_) / static_cast<double>(*rate_));
  const auto ahead = began_ + std::chrono::duration_cast<OpContext::Clock::duration>(due) - OpContext::Clock::now();
  if (ahead.count() > 0) op_.wait_for(ahead);
  return std::nullopt;
}

}  // namespace basecache::http
