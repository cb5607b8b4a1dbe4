#include "agent/base/worker_pool.hpp"

#include <pthread.h>

#include <system_error>

#include "agent/base/error.hpp"

namespace basecache {

WorkerPool::WorkerPool(std::string name, std::size_t threads, std::size_t queue_limit)
    : name_(std::move(name)), threads_limit_(threads), queue_limit_(queue_limit) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::submit(std::function<void()> task) {
  const std::lock_guard guard(mutex_);
  if (queue_.size() >= queue_limit_) {
    throw Error(ErrorCode::busy, "too many requests are waiting already")
        .set_hint("ask again later; [basecache] workers and queue_limit set the limits");
  }
  queue_.push_back(std::move(task));
  if (idle_ < queue_.size() && threads_.size() < threads_limit_) add_thread();
  ready_.notify_one();
}

bool WorkerPool::is_busy() {
  const std::lock_guard guard(mutex_);
  return threads_.size() >= threads_limit_ && idle_ <= queue_.size();
}

// A system that has no thread left for us leaves the work to those that there are.
void WorkerPool::add_thread() {
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    if (!threads_.empty()) return;
    queue_.pop_back();
    throw Error(ErrorCode::busy, std::string("cannot start a thread: ") + error.what())
        .set_hint("raise the limit of tasks of this service, or ask again later");
  }
}

void WorkerPool::work() {
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  std::unique_lock guard(mutex_);
  while (true) {
    ++idle_;
    ready_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    std::function<void()> task = std::move(queue_.front());
    queue_.pop_front();
    guard.unlock();
    task();
    task = nullptr;  // what the task held goes before the thread rests
    guard.lock();
  }
}

}  // namespace basecache
