#include "agent/base/op_context.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "agent/base/error.hpp"

namespace basecache {

OpContext::OpContext(std::string operation_id, std::stop_token stop, Clock::time_point deadline, ProgressSink progress)
    : id_(std::move(operation_id)), stop_(std::move(stop)), deadline_(deadline), progress_(std::move(progress)) {}

void OpContext::check() const {
  if (stop_.stop_requested()) throw Cancelled{};
  if (Clock::now() >= deadline_) {
    throw Error(ErrorCode::timed_out, "the request's deadline has passed")
        .set_hint("ask again: what is complete is kept; [basecache] request_deadline sets the limit");
  }
}

void OpContext::wait_for(std::chrono::nanoseconds duration) const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock guard(mutex);
  const auto until = std::min(deadline_, Clock::now() + duration);
  stopped.wait_until(guard, stop_, until, [] { return false; });
  check();
}

void OpContext::report(const Progress& progress) const {
  if (progress_) progress_(progress);
}

}  // namespace basecache
