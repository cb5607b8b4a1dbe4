#include "backends/http/throttle.hpp"

namespace basecache::http {

std::optional<Fault> Throttle::begin(const ResponseHead& head) {
  begin_at(limit_.now());
  return taker_.begin(head);
}

void Throttle::begin_at(std::optional<std::uint64_t> rate) {
  rate_ = rate;
  began_ = OpContext::Clock::now();
  taken_ = 0;
}

std::optional<Fault> Throttle::body(std::span<const std::byte> bytes) {
  auto fault = taker_.body(bytes);
  if (fault) return fault;
  if (const auto rate = limit_.now(); rate != rate_) begin_at(rate);
  if (!rate_) return std::nullopt;
  taken_ += bytes.size();
  const std::chrono::duration<double> due(static_cast<double>(taken_) / static_cast<double>(*rate_));
  const auto ahead = began_ + std::chrono::duration_cast<OpContext::Clock::duration>(due) - OpContext::Clock::now();
  if (ahead.count() > 0) op_.wait_for(ahead);
  return std::nullopt;
}

}  // namespace basecache::http
