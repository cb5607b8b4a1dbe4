#include "agent/api/operations.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "agent/api/error_response.hpp"
#include "agent/api/messages.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/text.hpp"

namespace basecache::api {
namespace {

using nlohmann::json;

Outcome failure(const Error& error) { return {answer_to(error.code()).http_status, problem(error)}; }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Outcome outcome_of(const Work& work, OpContext& op) {
  try {
    return {200, work(op)};
  } catch (const Cancelled&) {
    return {kCancelledAnswer.http_status, cancelled_problem()};
  } catch (const Error& error) {
    return failure(error);
  } catch (const std::bad_alloc&) {
    return failure(Error(ErrorCode::busy, "out of memory").set_hint("ask again when less is going on"));
  } catch (const std::exception& error) {
    return failure(Error(ErrorCode::internal, std::string("unexpected: ") + error.what()));
  }
}

Operation::Operation(std::string id, OperationSubject subject)
    : id_(std::move(id)), subject_(std::move(subject)), news_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const int error = errno;
  if (!news_) throw Error::from_errno(error, "make an event descriptor");
}

json Operation::describe() const {
  const std::lock_guard guard(mutex_);
  json shown = {{"id", id_},
                {"kind", subject_.kind},
                {"subject", subject_.name},
                {"seconds", seconds_since(started_)},
                {"waiting", waiting_}};
  shown["progress"] = progress_ ? to_json(*progress_) : json::object();
  return shown;
}

std::optional<Progress> Operation::take_progress() {
  const std::lock_guard guard(mutex_);
  if (!std::exchange(progress_is_new_, false)) return std::nullopt;
  return progress_;
}

std::optional<Outcome> Operation::outcome() const {
  const std::lock_guard guard(mutex_);
  return outcome_;
}

void Operation::clear_news() {
  std::uint64_t count = 0;
  (void)!::read(news_.get(), &count, sizeof count);
}

void Operation::announce() const {
  const std::uint64_t one = 1;
  (void)!::write(news_.get(), &one, sizeof one);
}

void Operation::begin() {
  const std::lock_guard guard(mutex_);
  waiting_ = false;
}

void Operation::report(const Progress& progress) {
  const std::lock_guard guard(mutex_);
  progress_ = progress;
  progress_is_new_ = true;
  announce();
}

void Operation::end(Outcome outcome) {
  const std::lock_guard guard(mutex_);
  outcome_ = std::move(outcome);
  announce();
}

std::shared_ptr<Operation> Operations::start(OperationSubject subject, Work work) {
  const auto deadline = OpContext::Clock::now() + limits_.deadline;
  std::shared_ptr<Operation> operation;
  {
    const std::lock_guard guard(mutex_);
    if (shut_down_) throw Error(ErrorCode::busy, "the agent is shutting down").set_hint("ask again when it is back");
    operation = std::make_shared<Operation>(fmt::format("{}-{}", subject.kind, ++last_number_), std::move(subject));
    running_.emplace(operation->id(), operation);
  }
  try {
    workers_.submit([this, operation, deadline, work = std::move(work)] { perform(operation, deadline, work); });
  } catch (...) {
    forget(operation->id());
    throw;
  }
  return operation;
}

void Operations::perform(const std::shared_ptr<Operation>& operation, OpContext::Clock::time_point deadline,
                         const Work& work) {
  operation->begin();
  OpContext op(operation->id(), operation->stop_.get_token(), deadline,
               [&operation](const Progress& progress) { operation->report(progress); });
  Outcome outcome = outcome_of(
      [&](OpContext& running) {
        running.check();  // it may have been cancelled, or its time have passed, while it waited for a worker
        return work(running);
      },
      op);
  log_event(outcome.failed() ? LogLevel::warning : LogLevel::info, "operation_ended",
            {{"operation", operation->id()},
             {"subject", operation->subject_.name},
             {"status", outcome.http_status},
             {"seconds", fmt::format("{:.3f}", seconds_since(operation->started_))},
             {"error", outcome.failed() ? outcome.body.value("detail", "") : ""}});
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
