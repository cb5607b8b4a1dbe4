#include "agent/api/operations.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "agent/api/operation_watch.hpp"
#include "agent/base/error.hpp"
#include "agent/base/waiting_hook.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::api;
using nlohmann::json;

namespace {

// Work that begins, tells so, and goes on when the test says so or when it is stopped.
class HeldWork {
 public:
  Work work() {
    return [this](OpContext& op) -> json {
      std::unique_lock guard(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait(guard, op.stop(), [this] { return released_; });
      op.check();
      return {{"done", true}};
    };
  }
  void wait_until_begun(int count = 1) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return begun_ >= count; });
  }
  void release() {
    const std::lock_guard guard(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool released_ = false;
  int begun_ = 0;
};

Outcome outcome_in_the_end(OperationWatch& watch) {
  while (true) {
    if (auto outcome = watch.operation().outcome()) return *outcome;
    pollfd watched{watch.news_fd(), POLLIN, 0};
    ::poll(&watched, 1, -1);
    watch.clear_news();
  }
}

Outcome outcome_in_the_end(const std::shared_ptr<Operation>& operation) {
  OperationWatch watch(operation);
  return outcome_in_the_end(watch);
}

Outcome outcome_of_work(const Work& work) {
  OpContext op = test::test_operation();
  return outcome_of(work, op);
}

Error busy_error(Operations& operations) {
  try {
    operations.start({"test", "x"}, [](OpContext&) { return json(); });
  } catch (const Error& error) {
    return error;
  }
  FAIL("was taken");
  return {ErrorCode::internal, ""};
}

constexpr Operations::Limits kOneAtATime{.workers = 1, .queue_limit = 1, .deadline = std::chrono::seconds(60)};

}  // namespace

TEST_CASE("a result becomes an answer of status 200") {
  const Outcome outcome = outcome_of_work([](OpContext&) -> json { return {{"x", 1}}; });
  CHECK(outcome.http_status == 200);
  CHECK(outcome.body == R"({"x":1})");
  CHECK(outcome.failure.empty());
  CHECK_FALSE(outcome.failed());
}

TEST_CASE("an error becomes its problem") {
  const Outcome outcome =
      outcome_of_work([](OpContext&) -> json { throw Error(ErrorCode::no_space, "the disk is full"); });
  CHECK(outcome.http_status == 507);
  CHECK(json::parse(outcome.body).at("code") == "no_space");
  CHECK(outcome.failure == "the disk is full");
  CHECK(outcome.failed());
}

TEST_CASE("a cancellation becomes a problem of its own") {
  const Outcome outcome = outcome_of_work([](OpContext&) -> json { throw Cancelled(); });
  CHECK(outcome.http_status == 499);
  CHECK(json::parse(outcome.body).at("code") == "cancelled");
  CHECK(outcome.failed());
}

TEST_CASE("an unexpected exception is a bug of ours that the answer names") {
  const Outcome outcome = outcome_of_work([](OpContext&) -> json { throw std::runtime_error("surprise"); });
  CHECK(outcome.http_status == 500);
  CHECK(json::parse(outcome.body).at("code") == "internal");
  CHECK(json::parse(outcome.body).at("detail") == "unexpected: surprise");
}

TEST_CASE("no memory is a limit of ours, and later may work") {
  CHECK(outcome_of_work([](OpContext&) -> json { throw std::bad_alloc(); }).http_status == 503);
}

TEST_CASE("a result with bytes that aren't UTF-8 is answered all the same") {
  const Outcome outcome = outcome_of_work([](OpContext&) -> json { return {{"name", "a\xff"}}; });
  CHECK(outcome.http_status == 200);
  CHECK(json::parse(outcome.body).at("name") == "a\xef\xbf\xbd");
}

TEST_CASE("an operation runs, reports and ends with its outcome") {
  Operations operations({});
  const auto operation = operations.start({"create", "an instance"}, [](OpContext& op) -> json {
    op.report({.step = "fetch", .subject = "image", .done = 5, .total = 10});
    return {{"made", true}};
  });
  OperationWatch watch(operation);
  const Outcome outcome = outcome_in_the_end(watch);
  CHECK(outcome.body == R"({"made":true})");
  const auto progress = watch.take_progress();
  REQUIRE(progress.has_value());
  CHECK(progress->step == "fetch");
  CHECK(progress->done == 5);
  CHECK_FALSE(watch.take_progress().has_value());
}

TEST_CASE("the newest progress replaces the one before") {
  Operations operations({});
  const auto operation = operations.start({"create", "x"}, [](OpContext& op) -> json {
    op.report({.step = "fetch", .subject = "", .done = 1, .total = {}});
    op.report({.step = "fetch", .subject = "", .done = 2, .total = {}});
    return {};
  });
  OperationWatch watch(operation);
  outcome_in_the_end(watch);
  CHECK(watch.take_progress()->done == 2);
}

TEST_CASE("an operation is described while it runs") {
  HeldWork held;
  Operations operations(kOneAtATime);
  const auto operation = operations.start({"create", "an instance"}, held.work());
  held.wait_until_begun();
  const json shown = operation->describe();
  CHECK(shown.at("id") == operation->id());
  CHECK(shown.at("kind") == "create");
  CHECK(shown.at("subject") == "an instance");
  CHECK(shown.at("waiting") == false);
  CHECK(shown.at("seconds").get<double>() >= 0);
  CHECK(shown.at("progress") == json::object());
  held.release();
  outcome_in_the_end(operation);
}

TEST_CASE("operations have ids of their own, and are found by them until they end") {
  HeldWork held;
  Operations operations({});
  const auto first = operations.start({"create", "a"}, held.work());
  const auto second = operations.start({"create", "b"}, held.work());
  CHECK(first->id() != second->id());
  CHECK(operations.find(first->id()) == first);
  CHECK(operations.all().size() == 2);
  held.release();
  outcome_in_the_end(first);
  outcome_in_the_end(second);
  // Whoever has the outcome doesn't find the operation any more.
  CHECK(operations.all().empty());
  CHECK_THROWS_AS(operations.find(first->id()), Error);
}

TEST_CASE("an unknown operation is not found") {
  const Operations operations({});
  try {
    operations.find("create-\n17");
    FAIL("was found");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.message() == "no operation 'create-\\x0a17' is running");
  }
}

TEST_CASE("what exceeds the workers waits, and what exceeds the queue is refused") {
  HeldWork held;
  Operations operations(kOneAtATime);
  const auto running = operations.start({"test", "running"}, held.work());
  held.wait_until_begun();
  const auto waiting = operations.start({"test", "waiting"}, held.work());
  CHECK(waiting->describe().at("waiting") == true);
  const Error error = busy_error(operations);
  CHECK(error.code() == ErrorCode::busy);
  CHECK(operations.all().size() == 2);  // the refused one is not among them
  held.release();
  CHECK_FALSE(outcome_in_the_end(running).failed());
  CHECK_FALSE(outcome_in_the_end(waiting).failed());
}

TEST_CASE("a running operation is cancelled") {
  HeldWork held;
  Operations operations({});
  const auto operation = operations.start({"test", "x"}, held.work());
  held.wait_until_begun();
  operations.find(operation->id())->cancel();
  CHECK(outcome_in_the_end(operation).http_status == 499);
}

TEST_CASE("an operation that is cancelled while it waits never begins its work") {
  HeldWork held;
  bool began = false;
  Operations operations(kOneAtATime);
  const auto running = operations.start({"test", "running"}, held.work());
  held.wait_until_begun();
  const auto waiting = operations.start({"test", "waiting"}, [&](OpContext&) -> json {
    began = true;
    return {};
  });
  waiting->cancel();
  held.release();
  CHECK(outcome_in_the_end(waiting).http_status == 499);
  CHECK_FALSE(began);
}

TEST_CASE("an operation whose time has passed before its turn fails and never begins its work") {
  bool began = false;
  Operations operations({.workers = 1, .queue_limit = 1, .deadline = std::chrono::seconds(0)});
  const auto operation = operations.start({"test", "x"}, [&](OpContext&) -> json {
    began = true;
    return {};
  });
  CHECK(outcome_in_the_end(operation).http_status == 504);
  CHECK_FALSE(began);
}

TEST_CASE("shutting down cancels what runs and what waits, and takes nothing more") {
  HeldWork held;
  Operations operations(kOneAtATime);
  const auto running = operations.start({"test", "running"}, held.work());
  held.wait_until_begun();
  const auto waiting = operations.start({"test", "waiting"}, held.work());
  operations.shut_down();
  CHECK(outcome_in_the_end(running).http_status == 499);
  CHECK(outcome_in_the_end(waiting).http_status == 499);
  const Error error = busy_error(operations);
  CHECK(error.code() == ErrorCode::busy);
  CHECK(error.message() == "the agent is shutting down");
  operations.shut_down();  // a second time does nothing
}

TEST_CASE("the end of the operations waits for those that run") {
  HeldWork held;
  std::shared_ptr<Operation> operation;
  {
    Operations operations({});
    operation = operations.start({"test", "x"}, held.work());
    held.wait_until_begun();
  }
  REQUIRE(operation->outcome().has_value());
  CHECK(operation->outcome()->http_status == 499);
}

TEST_CASE("who asks for a shared operation joins the one that runs, and all hear of it") {
  HeldWork held;
  Operations operations({});
  const OperationSubject subject{.kind = "prepare", .name = "a", .is_shared = true};
  const auto operation = operations.start(subject, [&](OpContext& op) -> json {
    op.report({.step = "fetch", .subject = "", .done = 1, .total = {}});
    return held.work()(op);
  });
  held.wait_until_begun();
  OperationWatch first(operation);
  bool began_again = false;
  OperationWatch second(operations.start(subject, [&](OpContext&) -> json {
    began_again = true;
    return {};
  }));
  CHECK(&second.operation() == &first.operation());
  CHECK(first.take_progress()->done == 1);
  CHECK(second.take_progress()->done == 1);
  const auto other = operations.start({.kind = "prepare", .name = "b", .is_shared = true}, held.work());
  CHECK(other != operation);
  const auto changed = operations.start({.kind = "prepare", .name = "a", .is_shared = true, .wish = "x"}, held.work());
  CHECK(changed != operation);
  const auto unshared = operations.start({.kind = "prepare", .name = "a"}, held.work());
  CHECK(unshared != operation);
  held.release();
  CHECK_FALSE(outcome_in_the_end(first).failed());
  CHECK_FALSE(outcome_in_the_end(second).failed());
  CHECK_FALSE(began_again);
  outcome_in_the_end(other);
  outcome_in_the_end(changed);
  outcome_in_the_end(unshared);
  HeldWork anew;  // what has ended isn't joined
  anew.release();
  CHECK(operations.start(subject, anew.work()) != operation);
}

TEST_CASE("a shared operation goes on when who asked for it has left, and another one ends") {
  HeldWork held;
  Operations operations({});
  OperationWatch shared(operations.start({.kind = "prepare", .name = "a", .is_shared = true}, held.work()));
  OperationWatch own(operations.start({.kind = "create", .name = "a"}, held.work()));
  held.wait_until_begun(2);
  shared.leave();
  own.leave();
  CHECK(outcome_in_the_end(own).http_status == 499);
  CHECK_FALSE(shared.operation().outcome().has_value());
  held.release();
  CHECK_FALSE(outcome_in_the_end(shared).failed());
}

TEST_CASE("all work knows for how long a hook waits, whatever it waits for") {
  HeldWork held;
  Operations operations({});
  HookWait seen;
  const auto operation = operations.start({.kind = "create", .name = "a"}, [&](OpContext& op) -> json {
    seen = op.hook_wait();
    return held.work()(op);
  });
  held.wait_until_begun();
  CHECK_FALSE(seen.is_on());
  {
    const WaitingHook first(operations.hook_wait());
    const WaitingHook second(operations.hook_wait());
    CHECK(seen.is_on());
  }
  CHECK_FALSE(seen.is_on());
  held.release();
  outcome_in_the_end(operation);
}

TEST_CASE("the agent's own work runs in its thread, shows among the others, and can be cancelled by either side") {
  Operations operations({.workers = 1, .queue_limit = 1, .deadline = std::chrono::seconds(3600)});
  std::string shown;
  const Outcome done = operations.run({"prune", "by itself"},
                                      [&](OpContext& op) -> json {
                                        shown = operations.find(op.id())->subject().name;
                                        return {{"done", true}};
                                      },
                                      {});
  CHECK(done.http_status == 200);
  CHECK(shown == "by itself");
  CHECK(operations.all().empty());

  const Outcome cancelled = operations.run({"prune", ""},
                                           [&](OpContext& op) -> json {
                                             operations.find(op.id())->cancel();
                                             op.check();
                                             return {};
                                           },
                                           {});
  CHECK(cancelled.http_status == 499);

  std::stop_source stop;
  const Outcome stopped = operations.run(
      {"prune", ""},
      [&](OpContext& op) -> json {
        stop.request_stop();
        op.check();
        return {};
      },
      stop.get_token());
  CHECK(stopped.http_status == 499);

  operations.shut_down();
  CHECK_THROWS_AS(operations.run({"prune", ""}, [](OpContext&) -> json { return {}; }, {}), Error);
}
