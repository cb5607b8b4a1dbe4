#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>

#include "agent/base/op_context.hpp"

namespace basecache {

// So many at once of something that a node has only so much of. Who came first is first.
class Slots {
 public:
  explicit Slots(std::size_t count) : free_(count) {}

  // Held until it goes. `slots` outlive it.
  class Slot {
   public:
    explicit Slot(Slots& slots) : slots_(&slots) {}
    Slot(Slot&& other) noexcept : slots_(other.slots_) { other.slots_ = nullptr; }
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (slots_ != nullptr) slots_->give_back();
    }

   private:
    Slots* slots_;
  };

  // Waits until those who came before have had theirs. Cancelled or Error(timed_out) as `op` is; then the place in the
  // queue goes to the next. Progress step "wait" where there is one.
  Slot take(const OpContext& op);
  // How many wait now.
  std::size_t waiting() const;

 private:
  void give_back();

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t free_;
  std::list<bool> queue_;  // who waits; the address is what counts
};

}  // namespace basecache
