#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"

namespace basecache {

// Holds a stream to a rate by waiting, so that who sends it is held up by the full connection. Not libcurl's own limit,
// which lets the first hundred blocks through, and knows nothing of files.
class Throttle {
 public:
  // Without a limit everything passes at once; a limit that changes holds from the next block on. `op` must outlive
  // this; a wait ends as of OpContext::wait_for.
  Throttle(RateLimit limit, const OpContext& op) : limit_(std::move(limit)), op_(op) {}

  // A transfer begins: what passed before doesn't count.
  void restart() { begin_at(limit_.now()); }
  // After a block of that size.
  void pass(Bytes block);

 private:
  void begin_at(std::optional<std::uint64_t> rate);

  RateLimit limit_;
  std::optional<std::uint64_t> rate_ = {};
  const OpContext& op_;
  OpContext::Clock::time_point began_ = {};  // with that rate
  std::uint64_t taken_ = 0;                  // since then
};

}  // namespace basecache
