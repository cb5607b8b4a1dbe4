#pragma once

#include <condition_variable>
#include <mutex>

#include "agent/base/op_context.hpp"

namespace basecache::test {

// A door that a test opens; who goes through it waits, and notices a stop.
class Gate {
 public:
  void close() {
    const std::lock_guard guard(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard guard(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass(const OpContext& op) {
    std::unique_lock guard(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(guard, op.stop(), [&] { return open_; });
    op.check();
  }
  void wait_for_arrivals(int count) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool open_ = true;
  int arrived_ = 0;
};

}  // namespace basecache::test
