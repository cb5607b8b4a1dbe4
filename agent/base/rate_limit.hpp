#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace basecache {

// At most so many bytes a second, or no limit. Copies share the limit: what one raises holds for all of them, also for
// those in other threads.
class RateLimit {
 public:
  RateLimit() : RateLimit(std::nullopt) {}
  // Implicitly: it is no more than that number, but for its being shared. Not 0.
  RateLimit(std::optional<std::uint64_t> bytes_per_second)
      : rate_(std::make_shared<std::atomic<std::uint64_t>>(bytes_per_second.value_or(kNone))) {}

  std::optional<std::uint64_t> now() const {
    const std::uint64_t rate = *rate_;
    return rate == kNone ? std::nullopt : std::optional(rate);
  }

  // A limit of the same rate that isn't shared with this one.
  RateLimit unshared() const { return now(); }

  // To the rate of `other`, where that is the higher one; none is higher than any.
  void raise_to(const RateLimit& other) {
    const std::uint64_t wanted = *other.rate_;
    std::uint64_t rate = *rate_;
    while (rate < wanted && !rate_->compare_exchange_weak(rate, wanted)) {
    }
  }

 private:
  static constexpr std::uint64_t kNone = UINT64_MAX;  // so that it compares as what it is: the highest

  std::shared_ptr<std::atomic<std::uint64_t>> rate_;
};

}  // namespace basecache
