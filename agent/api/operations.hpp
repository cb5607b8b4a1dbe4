#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/base/worker_pool.hpp"

namespace basecache::api {

// What an operation came to.
struct Outcome {
  int http_status = 200;
  nlohmann::json body;  // the result, or a problem
  bool failed() const { return http_status != 200; }
};

// What an operation is about, for those who list operations.
struct OperationSubject {
  std::string kind;  // "create", "precache", "prune", "delete" ...
  std::string name;  // uuid, image ref as it may be shown, key
};

using Work = std::function<nlohmann::json(OpContext& op)>;

// One piece of long work, watched by the connection that asked for it. Thread-safe.
class Operation {
 public:
  Operation(std::string id, OperationSubject subject);

  const std::string& id() const { return id_; }
  void cancel() { stop_.request_stop(); }

  // {"id","kind","subject","seconds","waiting","progress":{"step","subject","done","total"}}
  nlohmann::json describe() const;

  // How far it is: changes with each report; the newest replaces the one before.
  std::optional<Progress> take_progress();
  std::optional<Outcome> outcome() const;
  // Readable whenever there is something new to take; for poll(2). Cleared by reading it (clear_news).
  int news_fd() const { return news_.get(); }
  void clear_news();

 private:
  friend class Operations;
  void begin();
  void report(const Progress& progress);
  void end(Outcome outcome);
  void announce() const;

  const std::string id_;
  const OperationSubject subject_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
  UniqueFd news_;
  mutable std::mutex mutex_;
  bool waiting_ = true;
  bool progress_is_new_ = false;
  std::optional<Progress> progress_;
  std::optional<Outcome> outcome_;
};

// The long work of the agent: so much at a time, the rest in a queue.
class Operations {
 public:
  struct Limits {
    std::size_t workers = 4;
    std::size_t queue_limit = 1000;
    std::chrono::seconds deadline{3600};  // of one operation, its time in the queue included
  };

  explicit Operations(Limits limits) : limits_(limits), workers_("operation", limits.workers, limits.queue_limit) {}
  ~Operations() { shut_down(); }

  // Error(busy) when the queue is full, or after shut_down().
  std::shared_ptr<Operation> start(OperationSubject subject, Work work);

  std::vector<std::shared_ptr<Operation>> all() const;           // those that have not ended
  std::shared_ptr<Operation> find(const std::string& id) const;  // Error(not_found)
  // Cancels what runs and waits, and takes nothing more.
  void shut_down();

 private:
  void perform(const std::shared_ptr<Operation>& operation, OpContext::Clock::time_point deadline, const Work& work);
  void forget(const std::string& id);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Operation>> running_;
  std::uint64_t last_number_ = 0;
  bool shut_down_ = false;
  WorkerPool workers_;  // last: its destructor waits for tasks, which use the members above
};

// Runs work to its outcome: results, errors and cancellation become answers here and nowhere else.
Outcome outcome_of(const Work& work, OpContext& op);

}  // namespace basecache::api
