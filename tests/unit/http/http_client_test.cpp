#include "backends/http/http_client.hpp"

#include <doctest/doctest.h>

#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/scripted_server.hpp"
#include "tests/unit/http/fetching.hpp"

namespace basecache::http {
namespace {

using test::answer;
using test::redirect;
using test::Reply;
using test::ScriptedServer;

const std::string kImage(100'000, 'i');

TEST_CASE("a body arrives whole, by one GET, its size said before") {
  ScriptedServer server({answer(200, kImage)});
  Fetching fetching;
  fetching.download(server.url("path/to/image?x=1"));
  CHECK(fetching.sink.content == kImage);
  REQUIRE(fetching.sink.starts.size() == 1);
  CHECK(fetching.sink.starts[0] == Bytes{kImage.size()});
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].head.starts_with("GET /path/to/image?x=1 HTTP/1.1\r\n"));
  CHECK_FALSE(server.requests()[0].has("Accept-Encoding"));
  CHECK_FALSE(server.requests()[0].has("Range"));
}

TEST_CASE("an empty body is a body") {
  ScriptedServer server({answer(200, "")});
  Fetching fetching;
  fetching.download(server.url());
  REQUIRE(fetching.sink.starts.size() == 1);
  CHECK(fetching.sink.starts[0] == Bytes{0});
}

TEST_CASE(
    "a chunked body and one that ends with the connection have no announced size, and only the one tells its end") {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
                         {"HTTP/1.1 200 OK\r\n\r\nabcde", Reply::Then::close}});
  Fetching fetching;
  for (const bool tells_end : {true, false}) {
    fetching.download(server.url());
    CHECK(fetching.sink.content == "abcde");
    CHECK_FALSE(fetching.sink.starts.back());
    CHECK(fetching.sink.transfer.tells_end == tells_end);
  }
  ScriptedServer announcing({answer(200, "abcde")});
  fetching.download(announcing.url());
  CHECK(fetching.sink.transfer.tells_end);
}

TEST_CASE("interim answers before the answer and trailers after it are no part of it") {
  ScriptedServer server(
      {{"HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"}});
  Fetching fetching;
  fetching.download(server.url());
  CHECK(fetching.sink.content == "abc");
}

TEST_CASE("one connection serves the requests that follow each other") {
  ScriptedServer server({answer(200, "a"), answer(503, "later"), answer(200, "b")});
  Fetching fetching;
  fetching.download(server.url("a"));
  fetching.download(server.url("b"));
  REQUIRE(server.requests().size() == 3);
  for (const auto& request : server.requests()) CHECK(request.connection == 0);
}

TEST_CASE("one client serves several threads at the same time") {
  ScriptedServer server({answer(200, kImage), answer(200, kImage), answer(200, kImage)});
  const HttpLibrary library;
  HttpClient client(library, eager_settings());
  std::vector<std::future<std::string>> bodies;
  for (int i = 0; i < 3; ++i) {
    bodies.push_back(std::async(std::launch::async, [&] {
      RecordingSink sink;
      client.download({.urls = {server.url()}}, "", sink, test::test_operation());
      return sink.content;
    }));
  }
  for (auto& body : bodies) CHECK(body.get() == kImage);
}

TEST_CASE("redirects are followed, relative ones too") {
  ScriptedServer server({redirect("/other?y=2"), redirect("third"), answer(200, kImage)});
  Fetching fetching;
  fetching.download(server.url("first"));
  CHECK(fetching.sink.content == kImage);
  REQUIRE(server.requests().size() == 3);
  CHECK(server.requests()[1].has("GET /other?y=2 "));
  CHECK(server.requests()[2].has("GET /third "));
}

TEST_CASE("every attempt starts where the caller pointed") {
  ScriptedServer server({redirect("/elsewhere"), answer(503, ""), redirect("/elsewhere"), answer(200, kImage)});
  Fetching fetching;
  fetching.download(server.url("first"));
  CHECK(fetching.sink.content == kImage);
  REQUIRE(server.requests().size() == 4);
  CHECK(server.requests()[2].has("GET /first "));
}

TEST_CASE("a redirect loop ends") {
  ScriptedServer server(std::vector<Reply>(10, redirect("/image")));
  Fetching fetching;
  const Error error = fetching.failure(server.url());
  CHECK(error.code() == ErrorCode::source_unavailable);
  CHECK(server.requests().size() == 6);
}

TEST_CASE("credentials go to the server that was asked and to no other") {
  ScriptedServer other({answer(200, kImage)});
  ScriptedServer server({redirect("/again"), redirect(other.url())});
  Fetching fetching;
  const HttpRequest request{.urls = {"http://user:password@127.0.0.1:" + std::to_string(server.port()) + "/first"},
                            .headers = {{.name = "X-Auth-Token", .value = "token", .secret = true},
                                        {.name = "X-Plain", .value = "plain", .secret = false}}};
  fetching.client.download(request, "", fetching.sink, test::test_operation());
  REQUIRE(server.requests().size() == 2);
  for (const auto& received : server.requests()) {
    CHECK(received.has("X-Auth-Token: token\r\n"));
    CHECK(received.has("Authorization: Basic "));
  }
  REQUIRE(other.requests().size() == 1);
  CHECK(other.requests()[0].has("X-Plain: plain\r\n"));
  CHECK_FALSE(other.requests()[0].has("X-Auth-Token"));
  CHECK_FALSE(other.requests()[0].has("Authorization"));
}

TEST_CASE("no server leads this node to an address of its own that wasn't asked for") {
  ScriptedServer inner({answer(200, kImage)});
  const std::string inner_url = "http://localhost:" + std::to_string(inner.port()) + "/";
  ScriptedServer server({redirect(inner_url), redirect(inner_url)});

  Fetching strict;
  const Error error = strict.failure(server.url());
  CHECK(error.code() == ErrorCode::forbidden);
  CHECK(contains(error.message(), "localhost"));
  CHECK(inner.requests().empty());

  HttpSettings settings = eager_settings();
  settings.listed_hosts = {"LOCALHOST."};
  Fetching trusting(settings);
  trusting.download(server.url());
  CHECK(trusting.sink.content == kImage);
}

TEST_CASE("a connection that is kept opens no way around the address policy") {
  ScriptedServer inner({answer(200, "asked for"), answer(200, "led to")});
  const std::string inner_url = "http://localhost:" + std::to_string(inner.port()) + "/";
  ScriptedServer server({redirect(inner_url)});
  Fetching fetching;
  fetching.download(inner_url);
  CHECK(fetching.failure(server.url()).code() == ErrorCode::forbidden);
  CHECK(inner.requests().size() == 1);
}

TEST_CASE("link-local addresses are where clouds keep credentials: neither asked for nor led to") {
  ScriptedServer server({redirect("http://169.254.169.254/latest/meta-data/")});
  Fetching fetching;
  CHECK(fetching.failure(server.url()).code() == ErrorCode::forbidden);
  CHECK(fetching.failure("http://169.254.169.254/").code() == ErrorCode::forbidden);
  CHECK(fetching.failure("http://[::ffff:169.254.169.254]/").code() == ErrorCode::forbidden);
}

TEST_CASE("what is no URL of http is refused before anything is connected to") {
  Fetching fetching;
  CHECK(fetching.failure("ftp://127.0.0.1/image").code() == ErrorCode::invalid_request);
}

TEST_CASE("a cancel ends a download of which nothing arrives, before the head and within the body") {
  for (const char* begin : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    ScriptedServer server({{begin, Reply::Then::hang}});
    Fetching fetching;
    std::stop_source source;
    const std::jthread canceller([&] {
      server.wait_for_replies(1);
      source.request_stop();
    });
    CHECK_THROWS_AS(
        fetching.client.download({.urls = {server.url()}}, "", fetching.sink, test::test_operation(source.get_token())),
        Cancelled);
  }
}

TEST_CASE("a cancel ends the wait between two attempts") {
  ScriptedServer server({answer(503, "", "Retry-After: 30\r\n")});
  Fetching fetching;
  std::stop_source source;
  const std::jthread canceller([&] {
    server.wait_for_replies(1);
    source.request_stop();
  });
  CHECK_THROWS_AS(
      fetching.client.download({.urls = {server.url()}}, "", fetching.sink, test::test_operation(source.get_token())),
      Cancelled);
}

TEST_CASE("the deadline ends a download of which nothing arrives, and the error names it") {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Reply::Then::hang}});
  Fetching fetching;
  const OpContext op("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(50));
  try {
    fetching.client.download({.urls = {server.url()}}, "", fetching.sink, op);
    FAIL("it ended well");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::timed_out);
    CHECK(contains(error.message(), server.url()));
  }
}

TEST_CASE("nobody waits for an attempt that the deadline wouldn't let begin") {
  ScriptedServer server({answer(503, "", "Retry-After: 100\r\n")});
  Fetching fetching;  // whose operations have a minute
  const Error error = fetching.failure(server.url());
  CHECK(error.code() == ErrorCode::source_unavailable);
  CHECK(contains(error.message(), "503"));
  CHECK(server.requests().size() == 1);
}

class FullSink : public RecordingSink {
 public:
  void write(std::span<const std::byte>) override { throw std::runtime_error("full"); }
};

TEST_CASE("what a sink throws passes through unchanged, ends the transfer, and leaves the client usable") {
  ScriptedServer server({answer(200, kImage), answer(200, kImage)});
  Fetching fetching;
  FullSink full;
  CHECK_THROWS_WITH_AS(fetching.client.download({.urls = {server.url()}}, "", full, test::test_operation()), "full",
                       std::runtime_error);
  CHECK(server.requests().size() == 1);
  fetching.download(server.url());
  CHECK(fetching.sink.content == kImage);
}

}  // namespace
}  // namespace basecache::http
