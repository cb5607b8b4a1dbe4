#include "agent/api/operations.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/text.hpp"

namespace basecache::api {
namespace {

void log_end(const Operation& operation, OpContext& op, const Outcome& outcome) {
  const LogField id("operation", operation.id());
  const LogField subject("subject", operation.subject().name);
  const LogField seconds("seconds", fmt::format("{:.3f}", operation.seconds()));
  for (const std::string& note : op.notes()) log_event(LogLevel::warning, "operation_note", {id, {"note", note}});
  for (const Step& step : op.steps().steps()) {
    log_event(LogLevel::debug, "operation_step",
              {id,
               {"step", step.name},
               {"seconds", fmt::format("{:.3f}", std::chrono::duration<double>(step.duration).count())}});
  }
  if (!outcome.failed()) return log_event(LogLevel::info, "operation_done", {id, subject, seconds});
  log_event(LogLevel::warning, "operation_failed",
            {id, subject, seconds, {"status", outcome.http_status}, {"error", outcome.failure}});
}

}  // namespace

std::shared_ptr<Operation> Operations::admit(OperationSubject subject) {
  if (shut_down_) throw Error(ErrorCode::busy, "the agent is shutting down").set_hint("ask again when it is back");
  auto operation = std::make_shared<Operation>(fmt::format("{}-{}", subject.kind, ++last_number_), std::move(subject));
  running_.emplace(operation->id(), operation);
  return operation;
}

std::shared_ptr<Operation> Operations::start(OperationSubject subject, Work work) {
  const auto deadline = OpContext::Clock::now() + limits_.deadline;
  std::shared_ptr<Operation> operation;
  {
    const std::lock_guard guard(mutex_);
    if (auto joined = shut_down_ ? nullptr : running(subject)) return joined;
    operation = admit(std::move(subject));
  }
  try {
    workers_.submit([this, operation, deadline, work = std::move(work)] { perform(operation, deadline, work); });
  } catch (...) {
    forget(operation->id());
    throw;
  }
  return operation;
}

std::shared_ptr<Operation> Operations::running(const OperationSubject& subject) const {
  if (!subject.is_shared) return nullptr;
  for (const auto& [id, operation] : running_) {
    const OperationSubject& other = operation->subject();
    const bool is_same = other.kind == subject.kind && other.name == subject.name && other.wish == subject.wish;
    if (other.is_shared && is_same) return operation;
  }
  return nullptr;
}

Outcome Operations::run(OperationSubject subject, const Work& work, const std::stop_token& stop) {
  const auto deadline = OpContext::Clock::now() + limits_.deadline;
  std::shared_ptr<Operation> operation;
  {
    const std::lock_guard guard(mutex_);
    operation = admit(std::move(subject));
  }
  const std::stop_callback on_stop(stop, [&] { operation->cancel(); });
  perform(operation, deadline, work);
  return operation->outcome().value();
}

void Operations::perform(const std::shared_ptr<Operation>& operation, OpContext::Clock::time_point deadline,
                         const Work& work) {
  operation->begin();
  OpContext op(operation->id(), operation->stop_.get_token(), deadline,
               [&operation](const Progress& progress) { operation->report(progress); });
  op.set_hook_wait(hook_wait_);
  Outcome outcome = outcome_of(
      [&](OpContext& running) {
        running.check();  // it may have been cancelled, or its time have passed, while it waited for a worker
        return work(running);
      },
      op);
  log_end(*operation, op, outcome);
  // Forgotten first: who has its outcome doesn't find it among the running ones.
  forget(operation->id());
  operation->end(std::move(outcome));
}

void Operations::forget(const std::string& id) {
  const std::lock_guard guard(mutex_);
  running_.erase(id);
}

std::vector<std::shared_ptr<Operation>> Operations::all() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::shared_ptr<Operation>> operations;
  for (const auto& [id, operation] : running_) operations.push_back(operation);
  return operations;
}

std::shared_ptr<Operation> Operations::find(const std::string& id) const {
  const std::lock_guard guard(mutex_);
  const auto found = running_.find(id);
  if (found != running_.end()) return found->second;
  throw Error(ErrorCode::not_found, "no operation " + quote(id, 60) + " is running")
      .set_hint("'basecache ops list' shows what runs; what has ended is not kept");
}

void Operations::shut_down() {
  {
    const std::lock_guard guard(mutex_);
    shut_down_ = true;
  }
  for (const auto& operation : all()) operation->cancel();
}

}  // namespace basecache::api
