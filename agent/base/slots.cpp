#include "agent/base/slots.hpp"

#include "agent/base/error.hpp"

namespace basecache {

Slots::Slot Slots::take(const OpContext& op) {
  std::unique_lock guard(mutex_);
  if (free_ == 0 || !queue_.empty()) {
    guard.unlock();
    op.report({.step = "wait", .subject = {}, .done = 0, .total = std::nullopt});
    guard.lock();
  }
  const auto place = queue_.insert(queue_.end(), true);
  const bool mine =
      changed_.wait_until(guard, op.stop(), op.deadline(), [&] { return free_ > 0 && place == queue_.begin(); });
  queue_.erase(place);
  changed_.notify_all();  // whoever stands first now may have one, too
  if (!mine) {
    guard.unlock();
    op.check();
    throw Cancelled{};
  }
  --free_;
  return Slot(*this);
}

std::size_t Slots::waiting() const {
  const std::lock_guard guard(mutex_);
  return queue_.size();
}

void Slots::give_back() {
  const std::lock_guard guard(mutex_);
  ++free_;
  changed_.notify_all();
}

}  // namespace basecache
