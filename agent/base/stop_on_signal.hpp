#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

namespace basecache {

// SIGINT and SIGTERM as a stop request. Made before any other thread: the signals are blocked in this thread and those
// that it starts from then on (children get default signals, see ChildProcess). The second signal ends the process.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait(const std::stop_token& done);

  sigset_t signals_{};
  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace basecache
