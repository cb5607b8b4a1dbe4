#include "agent/api/operation.hpp"

#include <unistd.h>

#include <boost/filesystem/exception.hpp>
#include <cerrno>
#include <new>
#include <nlohmann/json.hpp>

#include "agent/api/error_response.hpp"
#include "agent/api/messages.hpp"
#include "agent/base/text.hpp"

namespace basecache::api {

using nlohmann::json;

Outcome failed_outcome(const Error& error) {
  return {answer_to(error.code()).http_status, dump(problem(error)), error.message()};
}

Outcome outcome_of(const Work& work, OpContext& op) {
  try {
    return {200, dump(work(op)), ""};
  } catch (const Cancelled&) {
    return {kCancelledAnswer.http_status, dump(cancelled_problem()), "cancelled"};
  } catch (const Error& error) {
    return failed_outcome(error);
  } catch (const std::bad_alloc&) {
    return failed_outcome(Error(ErrorCode::busy, "out of memory").set_hint("ask again when less is going on"));
  } catch (const boost::filesystem::filesystem_error& error) {
    const std::string doing = "use " + quote(error.path1().native());
    return failed_outcome(Error::from_errno(error.code().value(), doing));
  } catch (const std::exception& error) {
    return failed_outcome(Error(ErrorCode::internal, std::string("unexpected: ") + error.what()));
  }
}

Operation::Operation(std::string id, OperationSubject subject) : id_(std::move(id)), subject_(std::move(subject)) {}

double Operation::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

json Operation::describe() const {
  const std::lock_guard guard(mutex_);
  json shown = {
      {"id", id_}, {"kind", subject_.kind}, {"subject", subject_.name}, {"seconds", seconds()}, {"waiting", waiting_}};
  shown["progress"] = progress_ ? to_json(*progress_) : json::object();
  return shown;
}

std::optional<Progress> Operation::progress_after(std::uint64_t& seen) const {
  const std::lock_guard guard(mutex_);
  if (std::exchange(seen, reports_) == reports_) return std::nullopt;
  return progress_;
}

std::optional<Outcome> Operation::outcome() const {
  const std::lock_guard guard(mutex_);
  return outcome_;
}

void Operation::add_listener(int event_fd) {
  const std::lock_guard guard(mutex_);
  listeners_.push_back(event_fd);
  if (reports_ > 0 || outcome_) announce();
}

void Operation::remove_listener(int event_fd) {
  const std::lock_guard guard(mutex_);
  std::erase(listeners_, event_fd);
}

void Operation::announce() const {
  const std::uint64_t one = 1;
  for (const int listener : listeners_) (void)!::write(listener, &one, sizeof one);
}

void Operation::begin() {
  const std::lock_guard guard(mutex_);
  waiting_ = false;
}

void Operation::report(const Progress& progress) {
  const std::lock_guard guard(mutex_);
  progress_ = progress;
  ++reports_;
  announce();
}

void Operation::end(Outcome outcome) {
  const std::lock_guard guard(mutex_);
  outcome_ = std::move(outcome);
  announce();
}

}  // namespace basecache::api
