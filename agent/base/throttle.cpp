#include "agent/base/throttle.hpp"

namespace basecache {

void Throttle::begin_at(std::optional<std::uint64_t> rate) {
  rate_ = rate;
  began_ = OpContext::Clock::now();
  taken_ = 0;
}

void Throttle::pass(Bytes block) {
  if (const auto rate = limit_.now(); rate != rate_) begin_at(rate);
  if (!rate_) return;
  taken_ += block.count;
  const std::chrono::duration<double> due(static_cast<double>(taken_) / static_cast<double>(*rate_));
  const auto ahead = began_ + std::chrono::duration_cast<OpContext::Clock::duration>(due) - OpContext::Clock::now();
  if (ahead.count() > 0) op_.wait_for(ahead);
}

}  // namespace basecache
