#include "backends/keystone/identity.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "backends/http/http_client.hpp"
#include "backends/http/http_library.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/keystone/credentials.hpp"
#include "tests/unit/keystone/token_answer.hpp"

namespace basecache::keystone {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test::answer;
using test::Reply;
using test::ScriptedServer;
using test::test_operation;

// Two attempts at most, one at once after the other.
http::HttpSettings eager_settings() {
  http::HttpSettings settings;
  settings.retry = {.retries = 1, .first_delay = std::chrono::milliseconds(0)};
  return settings;
}

// An identity with a clock that stands still unless it is moved.
struct Asking {
  explicit Asking(AuthOptions options)
      : client(library, eager_settings()), identity(client, std::move(options), [this] {
          ++looks;
          looks.notify_all();
          return Identity::Clock::time_point(seconds(time.load()));
        }) {}

  std::string token() { return identity.token(test_operation())->id.reveal(); }

  void wait_for_looks(int count) const {
    for (int now = looks; now < count; now = looks) looks.wait(now);
  }

  // The Error that asking must end in; none of its words is a secret.
  Error failure() {
    try {
      token();
    } catch (const Error& error) {
      CHECK_FALSE(contains(error.message() + error.hint(), kCanary));
      for (const auto& field : error.fields()) CHECK_FALSE(contains(field.second, kCanary));
      return error;
    }
    FAIL("there was a token");
    return {ErrorCode::internal, ""};
  }

  std::atomic<std::int64_t> time = 1000;  // seconds
  std::atomic<int> looks = 0;             // at the clock: by each caller while there is a token, and by each request
  http::HttpLibrary library;
  http::HttpClient client;
  Identity identity;
};

TEST_CASE("a token is asked for once, by one POST, and kept") {
  ScriptedServer keystone({token_answer("t1")});
  Asking asking(password_options(keystone.url("identity")));
  CHECK(asking.token() == "t1");
  CHECK(asking.token() == "t1");
  CHECK(asking.identity.token(test_operation())->catalog.url_of({}) == "http://glance:9292");
  REQUIRE(keystone.requests().size() == 1);
  CHECK(keystone.requests()[0].head.starts_with("POST /identity/v3/auth/tokens HTTP/1.1\r\n"));
  CHECK(keystone.requests()[0].has("Content-Type: application/json\r\n"));
}

TEST_CASE("many threads get one token by one request") {
  ScriptedServer keystone({token_answer("t1")});
  Asking asking(password_options(keystone.url("v3")));
  std::vector<std::future<std::string>> tokens;
  for (int i = 0; i < 50; ++i) tokens.push_back(std::async(std::launch::async, [&] { return asking.token(); }));
  for (auto& token : tokens) CHECK(token.get() == "t1");
  CHECK(keystone.requests().size() == 1);
}

TEST_CASE("the margin is a minute, of short lives a quarter") {
  CHECK(renewal_margin(minutes(60)) == seconds(60));
  CHECK(renewal_margin(minutes(4)) == seconds(60));
  CHECK(renewal_margin(seconds(40)) == seconds(10));
  CHECK(renewal_margin(seconds(0)) == seconds(0));
}

TEST_CASE("a token is renewed before it expires, whatever the clocks say of its times") {
  const TokenTimes hour{.issued_at = "2031-01-01T00:00:00.000000Z", .expires_at = "2031-01-01T01:00:00.000000Z"};
  ScriptedServer keystone({token_answer("t1", hour), token_answer("t2", hour)});
  Asking asking(password_options(keystone.url()));
  CHECK(asking.token() == "t1");
  asking.time += 3600 - 61;
  CHECK(asking.token() == "t1");
  asking.time += 1;
  CHECK(asking.token() == "t2");
  asking.time += 3600 - 61;
  CHECK(asking.token() == "t2");
  CHECK(keystone.requests().size() == 2);
}

TEST_CASE("an invalid token is renewed, and only that one") {
  ScriptedServer keystone({token_answer("t1"), token_answer("t2")});
  Asking asking(password_options(keystone.url()));
  const auto first = asking.identity.token(test_operation());
  asking.identity.invalidate(first->id);
  CHECK(asking.token() == "t2");
  asking.identity.invalidate(first->id);
  CHECK(asking.token() == "t2");
  CHECK(first->id.reveal() == "t1");
  CHECK(keystone.requests().size() == 2);
}

TEST_CASE("many threads whose token is refused renew it once") {
  ScriptedServer keystone({token_answer("t1"), token_answer("t2")});
  Asking asking(password_options(keystone.url()));
  const Secret refused(asking.token());
  std::vector<std::future<std::string>> tokens;
  for (int i = 0; i < 20; ++i) {
    tokens.push_back(std::async(std::launch::async, [&] {
      asking.identity.invalidate(refused);
      return asking.token();
    }));
  }
  for (auto& token : tokens) CHECK(token.get() == "t2");
  CHECK(keystone.requests().size() == 2);
}

TEST_CASE("who is refused is told so at once, and may ask again") {
  ScriptedServer keystone({answer(401, R"({"error": {"message": "canary-3f9c"}})"), token_answer("t1")});
  Asking asking(password_options(keystone.url("v3")));
  const Error error = asking.failure();
  CHECK(error.code() == ErrorCode::source_unauthorized);
  CHECK(error.message() == "Keystone at '" + keystone.url("v3") + "' refuses user 'nova' of project 'service'");
  CHECK(contains(error.hint(), "[keystone_authtoken]"));
  CHECK(keystone.requests().size() == 1);
  CHECK(asking.token() == "t1");
}

TEST_CASE("a token that has ended can't be renewed, which is said") {
  const std::string json = "Content-Type: application/json\r\n";
  for (const Reply& refusal : {answer(401, "", json), answer(404, R"({"error": {"code": 404}})", json)}) {
    ScriptedServer keystone({token_answer("t1"), refusal});
    Asking asking(token_options(keystone.url()));
    CHECK(asking.token() == "t1");
    asking.time += 3600;
    const Error error = asking.failure();
    CHECK(error.code() == ErrorCode::source_unauthorized);
    CHECK(contains(error.message(), "a token can't be renewed"));
    CHECK(contains(error.hint(), "set a new token in [keystone_authtoken]"));
  }
}

TEST_CASE("a path that isn't Keystone's is no matter of the token") {
  ScriptedServer elsewhere({answer(404, "<html>", "Content-Type: text/html\r\n")});
  CHECK(Asking(token_options(elsewhere.url())).failure().code() == ErrorCode::source_unavailable);
}

TEST_CASE("a Keystone that is busy for a moment is asked again") {
  ScriptedServer keystone({answer(503, ""), token_answer("t1")});
  Asking asking(password_options(keystone.url()));
  CHECK(asking.token() == "t1");
}

TEST_CASE("answers that bring no token make the source unavailable") {
  const std::string token = token_body({});
  const std::vector<std::pair<std::vector<Reply>, std::string>> rows = {
      {{answer(503, kCanary), answer(503, kCanary)}, "it answered with status 503"},
      {{answer(404, kCanary)}, "it answered with status 404"},
      {{answer(302, "", "Location: http://elsewhere/\r\n")}, "it answered with status 302"},
      {{answer(201, token)}, "not a token"},
      {{answer(201, kCanary, "X-Subject-Token: " + kCanary + "\r\n")}, "not a token"},
      {{answer(200, "<html>")}, "not a token"},
  };
  for (const auto& row : rows) {
    const std::string& why = row.second;
    CAPTURE(why);
    ScriptedServer keystone(row.first);
    const Error error = Asking(password_options(keystone.url())).failure();
    CHECK(error.code() == ErrorCode::source_unavailable);
    CHECK(contains(error.message(), why));
    CHECK(keystone.requests().size() == row.first.size());
  }
}

TEST_CASE("a Keystone that can't be reached is named") {
  std::optional<ScriptedServer> keystone(std::in_place, std::vector<Reply>{});
  const std::string url = keystone->url("v3");
  keystone.reset();
  const Error error = Asking(password_options(url)).failure();
  CHECK(error.code() == ErrorCode::source_unavailable);
  CHECK(contains(error.message(), "cannot get a token from Keystone at '" + url + "'"));
}

TEST_CASE("who waits for another's request gets its failure, too") {
  std::optional<ScriptedServer> keystone(
      std::in_place, std::vector<Reply>{token_answer("t1"), {.bytes = "", .then = Reply::Then::hang}});
  Asking asking(password_options(keystone->url()));
  asking.token();
  asking.time += 3600;
  const auto complaint = [&] { return asking.failure().message(); };
  auto asker = std::async(std::launch::async, complaint);
  keystone->wait_for_replies(2);
  // From its look at the clock until it waits, a caller holds the lock that the end of the request needs.
  const int looks = asking.looks + 10;
  std::vector<std::future<std::string>> waiters;
  for (int i = 0; i < 10; ++i) waiters.push_back(std::async(std::launch::async, complaint));
  asking.wait_for_looks(looks);
  keystone.reset();
  const std::string told = asker.get();
  for (auto& waiter : waiters) CHECK(waiter.get() == told);
  CHECK(asking.looks == looks);  // none has asked itself
}

TEST_CASE("options that aren't text are refused before anybody is asked") {
  AuthOptions options = password_options("http://127.0.0.1:1");
  options.password = Secret(kCanary + "\xe4");
  const Error error = Asking(options).failure();
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(contains(error.message(), "UTF-8"));
}

TEST_CASE("incomplete options make no identity") {
  AuthOptions options = password_options();
  options.auth_url.clear();
  CHECK_THROWS_AS(Asking{options}, Error);
}

TEST_CASE("who authenticates nowhere gets an empty token") {
  AuthOptions options;
  options.auth_type = "none";
  Asking asking(options);
  CHECK(asking.token().empty());
  CHECK(asking.identity.token(test_operation())->catalog.endpoints().empty());
}

TEST_CASE("who waits for another's request may leave") {
  ScriptedServer keystone({{.bytes = "", .then = Reply::Then::hang}});
  Asking asking(password_options(keystone.url()));
  std::stop_source stop_asker;
  auto asker = std::async(std::launch::async, [&] {
    CHECK_THROWS_AS(asking.identity.token(test_operation(stop_asker.get_token())), Cancelled);
  });
  keystone.wait_for_replies(1);

  const OpContext hurried("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(20));
  CHECK_THROWS_AS(asking.identity.token(hurried), Error);
  std::stop_source stop_waiter;
  std::jthread stopper([&] { stop_waiter.request_stop(); });
  CHECK_THROWS_AS(asking.identity.token(test_operation(stop_waiter.get_token())), Cancelled);
  CHECK(keystone.requests().size() == 1);

  stop_asker.request_stop();
  asker.get();
}

TEST_CASE("when who asks is cancelled, who waits asks itself") {
  ScriptedServer keystone({{.bytes = "", .then = Reply::Then::hang}, token_answer("t1")});
  Asking asking(password_options(keystone.url()));
  std::stop_source stop;
  auto asker = std::async(std::launch::async,
                          [&] { CHECK_THROWS_AS(asking.identity.token(test_operation(stop.get_token())), Cancelled); });
  keystone.wait_for_replies(1);
  auto waiter = std::async(std::launch::async, [&] { return asking.token(); });
  stop.request_stop();
  asker.get();
  CHECK(waiter.get() == "t1");
}

}  // namespace
}  // namespace basecache::keystone
