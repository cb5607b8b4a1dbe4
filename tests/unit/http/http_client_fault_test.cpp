#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/scripted_server.hpp"
#include "tests/unit/http/fetching.hpp"

namespace basecache::http {
namespace {

using test::answer;
using test::Reply;
using test::ScriptedServer;

const Reply kTruncated{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Reply::Then::close};
const Reply kTruncatedChunk{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", Reply::Then::close};
const Reply kTruncatedHead{"HTTP/1.1 200 OK\r\nContent-Le", Reply::Then::close};
const Reply kInterim{"HTTP/1.1 100 Continue\r\n\r\n", Reply::Then::close};
const Reply kNothing{"", Reply::Then::close};
const Reply kStalledHead{"HTTP/1.1 200 OK\r\n", Reply::Then::hang};
const Reply kStalledBody{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Reply::Then::hang};

struct Case {
  const char* name;
  Reply reply;
  ErrorCode code;
  std::string_view words;  // in the message
};

const std::vector<Case>& passing_faults() {
  static const std::vector<Case> cases{
      {"408", answer(408, "x"), ErrorCode::source_unavailable, "status 408"},
      {"429", answer(429, "x"), ErrorCode::source_unavailable, "status 429"},
      {"500", answer(500, "x"), ErrorCode::source_unavailable, "status 500"},
      {"503, and when to come back", answer(503, "x", "Retry-After: 0\r\n"), ErrorCode::source_unavailable, "503"},
      {"599", answer(599, "x"), ErrorCode::source_unavailable, "status 599"},
      {"truncated body", kTruncated, ErrorCode::source_unavailable, "before its announced end"},
      {"truncated chunk", kTruncatedChunk, ErrorCode::source_unavailable, "before its announced end"},
      {"truncated head", kTruncatedHead, ErrorCode::source_unavailable, "within the head"},
      {"only an interim answer", kInterim, ErrorCode::source_unavailable, ""},
      {"no answer", kNothing, ErrorCode::source_unavailable, "reached"},
      {"stalled head", kStalledHead, ErrorCode::source_unavailable, "20 ms"},
      {"stalled body", kStalledBody, ErrorCode::source_unavailable, "20 ms"},
  };
  return cases;
}

HttpSettings settings_for(const Case& c) {
  return c.reply.then == Reply::Then::hang ? impatient_settings() : eager_settings();
}

TEST_CASE("a fault that may pass is retried, the sink starts over, and the image arrives") {
  for (const Case& c : passing_faults()) {
    CAPTURE(c.name);
    ScriptedServer server({c.reply, answer(200, "abcdefghij")});
    Fetching fetching(settings_for(c));
    fetching.download(server.url());
    CHECK(fetching.sink.content == "abcdefghij");
    CHECK(server.requests().size() == 2);
    CHECK(fetching.sink.starts.back() == Bytes{10});
  }
}

TEST_CASE("a fault that stays ends in an error that says what, where and how often") {
  for (const Case& c : passing_faults()) {
    CAPTURE(c.name);
    ScriptedServer server(std::vector<Reply>(3, c.reply));
    Fetching fetching(settings_for(c));
    const Error error = fetching.failure(server.url("image?token=secret"));
    CAPTURE(error.message());
    CHECK(error.code() == c.code);
    CHECK(contains(error.message(), server.url()));
    CHECK(contains(error.message(), c.words));
    CHECK(contains(error.message(), "3 attempts"));
    CHECK_FALSE(contains(error.message(), "secret"));
    CHECK_FALSE(error.hint().empty());
    CHECK(server.requests().size() == 3);
  }
}

TEST_CASE("a truncated body starts the sink, and its start is repeated before the next byte") {
  ScriptedServer server({kTruncated, kTruncatedHead, answer(200, "whole")});
  Fetching fetching;
  fetching.download(server.url());
  REQUIRE(fetching.sink.starts.size() >= 2);
  CHECK(fetching.sink.starts.front() == Bytes{10});
  CHECK(fetching.sink.starts.back() == Bytes{5});
  CHECK(fetching.sink.content == "whole");
}

TEST_CASE("what another attempt wouldn't change is asked for once") {
  const std::vector<Case> cases{
      {"400", answer(400, "x"), ErrorCode::source_unavailable, "status 400"},
      {"401", answer(401, "x"), ErrorCode::source_unauthorized, "status 401"},
      {"403", answer(403, "x"), ErrorCode::source_unauthorized, "status 403"},
      {"404", answer(404, "x"), ErrorCode::image_not_found, "status 404"},
      {"410", answer(410, "x"), ErrorCode::image_not_found, "status 410"},
      {"a part nobody asked for", answer(206, "x"), ErrorCode::source_unavailable, "weren't asked for"},
      {"no content", {"HTTP/1.1 204 None\r\n\r\n"}, ErrorCode::source_unavailable, "status 204"},
      {"a redirect to nowhere", answer(302, "x"), ErrorCode::source_unavailable, "status 302"},
      {"a web page", answer(200, "x", "Content-Type: Text/HTML; charset=utf-8\r\n"), ErrorCode::image_unacceptable,
       "text/html"},
      {"an empty web page", answer(200, "", "Content-Type: text/html\r\n"), ErrorCode::image_unacceptable, "text/html"},
      {"an encoded body", answer(200, "x", "Content-Encoding: gzip\r\n"), ErrorCode::image_unacceptable, "gzip"},
      {"an encoded body that is said to be none as well",
       answer(200, "x", "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n"), ErrorCode::image_unacceptable,
       "gzip"},
      {"not HTTP", {"SSH-2.0-OpenSSH_9.2\r\n", Reply::Then::close}, ErrorCode::source_unavailable, "HTTP"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedServer server({c.reply, answer(200, "image")});
    Fetching fetching;
    const Error error = fetching.failure(server.url("image?token=secret"));
    CAPTURE(error.message());
    CHECK(error.code() == c.code);
    CHECK(contains(error.message(), c.words));
    CHECK(contains(error.message(), server.url()));
    CHECK_FALSE(contains(error.message(), "secret"));
    CHECK_FALSE(error.hint().empty());
    CHECK(server.requests().size() == 1);
    CHECK(fetching.sink.content.empty());
  }
}

TEST_CASE("identity is no encoding, nor is nothing") {
  for (const char* encoding : {" Identity", "\tidentity \t", "", " "}) {
    CAPTURE(encoding);
    ScriptedServer server({answer(200, "image", fmt::format("Content-Encoding:{}\r\n", encoding))});
    Fetching fetching;
    fetching.download(server.url());
    CHECK(fetching.sink.content == "image");
  }
}

TEST_CASE("a body beyond the limit is refused, announced or not, and one at the limit isn't") {
  HttpSettings settings = eager_settings();
  settings.max_body = Bytes{4};
  ScriptedServer server(
      {answer(200, "12345"), {"HTTP/1.1 200 OK\r\n\r\n12345", Reply::Then::close}, answer(200, "1234")});
  Fetching fetching(settings);
  for (int i = 0; i < 2; ++i) {
    const Error error = fetching.failure(server.url());
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(contains(error.hint(), "max_image_bytes"));
    CHECK(fetching.sink.content.empty());
  }
  fetching.download(server.url());
  CHECK(fetching.sink.content == "1234");
}

TEST_CASE("the long body of an error is not waited for") {
  ScriptedServer server(
      {{"HTTP/1.1 404 Gone\r\nContent-Length: 999999999\r\n\r\n" + std::string(200'000, 'x'), Reply::Then::hang}});
  Fetching fetching;
  CHECK(fetching.failure(server.url()).code() == ErrorCode::image_not_found);
}

TEST_CASE("a head that doesn't end is cut off") {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 500; ++i) head += "X-Header-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
  ScriptedServer server({{head, Reply::Then::close}});
  Fetching fetching;
  CHECK(contains(fetching.failure(server.url()).message(), "256 KiB"));
}

TEST_CASE("a head of too many lines is refused, wanted or not, where every header alone is small") {
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "a:\r\n";
  for (const int status : {200, 404, 503}) {
    ScriptedServer server({answer(status, "image", lines), answer(200, "image")});
    Fetching fetching;
    const Error error = fetching.failure(server.url());
    CHECK(error.code() == ErrorCode::source_unavailable);
    CHECK(contains(error.message(), "1000 lines"));
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("trailers count as lines of the head") {
  std::string trailers;
  for (int i = 0; i < 2000; ++i) trailers += "a: b\r\n";
  ScriptedServer server(
      {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n0\r\n" + trailers + "\r\n"}});
  Fetching fetching;
  CHECK(fetching.failure(server.url()).code() == ErrorCode::source_unavailable);
}

TEST_CASE("a server that isn't there is unreachable, and the error counts the attempts") {
  std::string url;
  {
    const ScriptedServer gone({});
    url = gone.url();
  }
  Fetching fetching;
  const Error error = fetching.failure(url);
  CHECK(error.code() == ErrorCode::source_unavailable);
  CHECK(contains(error.message(), "3 attempts"));
  CHECK(fetching.sink.starts.empty());
}

TEST_CASE("a name that nobody resolves is unreachable, and asked for as often") {
  Fetching fetching;
  // A label beyond 63 bytes: refused on this node, no name server is asked.
  const Error error = fetching.failure("http://" + std::string(64, 'a') + ".invalid/image");
  CHECK(error.code() == ErrorCode::source_unavailable);
  CHECK(contains(error.message(), "resolve"));
  CHECK(contains(error.message(), "3 attempts"));
}

TEST_CASE("without retries the first fault is the last") {
  HttpSettings settings = eager_settings();
  settings.retry.retries = 0;
  ScriptedServer server({answer(503, "x"), answer(200, "image")});
  Fetching fetching(settings);
  CHECK(fetching.failure(server.url()).code() == ErrorCode::source_unavailable);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("an answer that is no image counts although its body doesn't come") {
  ScriptedServer server(
      {{"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nab", Reply::Then::hang}, answer(200, "image")});
  Fetching fetching(impatient_settings());
  CHECK(fetching.failure(server.url()).code() == ErrorCode::image_not_found);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("an error behind a redirect says where it happened") {
  ScriptedServer server({test::redirect("/moved"), answer(404, "x")});
  Fetching fetching;
  const Error error = fetching.failure(server.url("first"));
  CHECK(contains(error.message(), server.url("first")));
  CHECK(contains(error.message(), server.url("moved")));
}

}  // namespace
}  // namespace basecache::http
