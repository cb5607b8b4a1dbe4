#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"

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
  // Who asks for the same joins it, and it goes on when all who asked have gone.
  bool is_shared = false;
  bool is_for_hook = false;  // a hook of libvirt's waits for the answer (Operations::hook_wait())
  std::string wish = {};     // digest of what exactly is wanted: who wants something else joins nobody
};

using Work = std::function<nlohmann::json(OpContext& op)>;

// Runs work to its outcome: results, errors and cancellation become answers here and nowhere else.
Outcome outcome_of(const Work& work, OpContext& op);

// One piece of long work, watched by the connections that asked for it (OperationWatch). Thread-safe.
class Operation {
 public:
  Operation(std::string id, OperationSubject subject);

  const std::string& id() const { return id_; }
  const OperationSubject& subject() const { return subject_; }
  double seconds() const;  // since it was asked for
  void cancel() { stop_.request_stop(); }

  // {"id","kind","subject","seconds","waiting","progress":{"step","subject","done","total"}}
  nlohmann::json describe() const;

  // How far it is, unless that is report number `seen`, which becomes the newest one's.
  std::optional<Progress> progress_after(std::uint64_t& seen) const;
  std::optional<Outcome> outcome() const;

  // An event descriptor that is told of each report and of the end, at once if there were any. Not owned.
  void add_listener(int event_fd);
  void remove_listener(int event_fd);

 private:
  friend class Operations;
  void begin();
  void report(const Progress& progress);
  void end(Outcome outcome);
  void announce() const;  // under the mutex

  const std::string id_;
  const OperationSubject subject_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
  mutable std::mutex mutex_;
  bool waiting_ = true;
  std::uint64_t reports_ = 0;
  std::vector<int> listeners_;
  std::optional<Progress> progress_;
  std::optional<Outcome> outcome_;
};

}  // namespace basecache::api
