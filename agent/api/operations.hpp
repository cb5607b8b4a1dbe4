#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/api/operation.hpp"
#include "agent/base/hook_wait.hpp"
#include "agent/base/worker_pool.hpp"

namespace basecache::api {

// The long work of the agent: so much at a time, the rest in a queue.
class Operations {
 public:
  struct Limits {
    std::size_t workers = 64;
    std::size_t queue_limit = 1000;
    std::chrono::seconds deadline{3600};  // of one operation, its time in the queue included
  };

  explicit Operations(Limits limits) : limits_(limits), workers_("operation", limits.workers, limits.queue_limit) {}
  ~Operations() { shut_down(); }

  // A shared one that runs is joined, whatever `work` is. Error(busy) when the queue is full, or after shut_down().
  std::shared_ptr<Operation> start(OperationSubject subject, Work work);

  // The agent's own work, in the calling thread and beside the workers, to its outcome: it takes nobody's turn. `stop`
  // cancels it, as those who list operations can. Error(busy) after shut_down().
  Outcome run(OperationSubject subject, const Work& work, const std::stop_token& stop);

  std::vector<std::shared_ptr<Operation>> all() const;           // those that have not ended
  std::shared_ptr<Operation> find(const std::string& id) const;  // Error(not_found)
  // What all operations carry. Raised by who answers a hook, for as long as that waits (WaitingHook).
  const HookWait& hook_wait() const { return hook_wait_; }
  // Cancels what runs and waits, and takes nothing more.
  void shut_down();

 private:
  // Under the mutex; null for one that isn't shared or doesn't run.
  std::shared_ptr<Operation> running(const OperationSubject& subject) const;
  // Under the mutex. Error(busy) after shut_down().
  std::shared_ptr<Operation> admit(OperationSubject subject);
  void perform(const std::shared_ptr<Operation>& operation, OpContext::Clock::time_point deadline, const Work& work);
  void forget(const std::string& id);

  const Limits limits_;
  const HookWait hook_wait_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Operation>> running_;
  std::uint64_t last_number_ = 0;
  bool shut_down_ = false;
  WorkerPool workers_;  // last: its destructor waits for tasks, which use the members above
};

}  // namespace basecache::api
