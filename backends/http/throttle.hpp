#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "agent/base/op_context.hpp"
#include "backends/http/body_taker.hpp"

namespace basecache::http {

// Takes a body no faster than a rate, by waiting: the sender is held up by the full connection. Not libcurl's own
// limit, which lets the first hundred blocks through.
class Throttle : public BodyTaker {
 public:
  // Without a limit everything passes at once; a limit that changes holds from the next block on. `taker` and `op` must
  // outlive this; a wait ends as of OpContext::wait_for.
  Throttle(BodyTaker& taker, RateLimit limit, const OpContext& op) : taker_(taker), limit_(std::move(limit)), op_(op) {}

  bool wants(int status) const override { return taker_.wants(status); }
  std::optional<Fault> begin(const ResponseHead& head) override;
  std::optional<Fault> body(std::span<const std::byte> bytes) override;
  std::optional<Fault> end() override { return taker_.end(); }

 private:
  void begin_at(std::optional<std::uint64_t> rate);

  BodyTaker& taker_;
  RateLimit limit_;
  std::optional<std::uint64_t> rate_;
  const OpContext& op_;
  OpContext::Clock::time_point began_;  // with that rate
  std::uint64_t taken_ = 0;             // since then
};

}  // namespace basecache::http
