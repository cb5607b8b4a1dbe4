#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace basecache {

// A fixed number of threads and a bounded queue. Tasks must not throw. Threads start when first needed.
class WorkerPool {
 public:
  WorkerPool(std::string name, std::size_t threads, std::size_t queue_limit);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();  // runs what was accepted to its end; the owner has asked the tasks to stop before

  // Error(busy) when the queue is full, or when not even a first thread can be started; the task is then not run.
  void submit(std::function<void()> task);
  // Whether the next task would have to wait for a thread.
  bool is_busy();

 private:
  void add_thread();
  void work();

  const std::string name_;
  const std::size_t threads_limit_;
  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace basecache
