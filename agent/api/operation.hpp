#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::api {

// What an operation came to.
struct Outcome {
  int http_status = 200;
  std::string body;     // JSON: the result, or a problem
  std::string failure;  // why it failed, for the log; "" when it did not
  bool failed() const { return http_status != 200; }
};
Outcome failed_outcome(const Error& error);

// What an operation is about, for those who list operations.
struct OperationSubject {
  std::string kind;  // "create", "precache", "prune", "delete" ...
  std::string name;  // uuid, image ref as it may be shown, key
};

using Work = std::function<nlohmann::json(OpContext& op)>;

// Runs work to its outcome: results, errors and cancellation become answers here and nowhere else.
Outcome outcome_of(const Work& work, OpContext& op);

// One piece of long work, watched by the connection that asked for it. Thread-safe.
class Operation {
 public:
  Operation(std::string id, OperationSubject subject);

  const std::string& id() const { return id_; }
  const OperationSubject& subject() const { return subject_; }
  double seconds() const;  // since it was asked for
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

}  // namespace basecache::api
