#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "backends/http/http_client.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/http/fetching.hpp"

namespace basecache::http {
namespace {

using namespace std::string_literals;

using test::answer;
using test::Reply;
using test::ScriptedServer;

ApiResponse call(Fetching& fetching, const ApiCall& call) { return fetching.client.call(call, test::test_operation()); }

ApiCall post(const std::string& url, bool repeatable) {
  return {.request = {.urls = {url}},
          .method = Method::post,
          .body = "{\"a\":1}",
          .content_type = "application/json",
          .repeatable = repeatable};
}

TEST_CASE("a call sends its body and gives the answer, whatever its status") {
  ScriptedServer server({answer(201, "made", "X-Subject-Token: t\r\n"), answer(404, "nothing"), answer(200, "")});
  Fetching fetching;
  const ApiResponse made = call(fetching, post(server.url("v3/auth/tokens"), false));
  CHECK(made.head.status == 201);
  CHECK(made.body == "made");
  CHECK(made.head.header("x-subject-token") == "t");
  CHECK(made.url == server.url("v3/auth/tokens"));
  CHECK(server.requests()[0].has("POST /v3/auth/tokens HTTP/1.1\r\n"));
  CHECK(server.requests()[0].has("Content-Type: application/json\r\n"));
  CHECK(server.requests()[0].body == "{\"a\":1}");
  CHECK(call(fetching, {.request = {.urls = {server.url()}}}).head.status == 404);
  CHECK(call(fetching, {.request = {.urls = {server.url()}}, .method = Method::remove}).head.status == 200);
  CHECK(server.requests()[2].has("DELETE /image HTTP/1.1\r\n"));
}

TEST_CASE("no header can bring another header or another request with it") {
  ScriptedServer server({answer(200, "")});
  Fetching fetching;
  for (const std::string& odd : {"a\r\nX-Other: b"s, "a\n"s, "a\0b"s, "a\x7f"s}) {
    ApiCall request{.request = {.urls = {server.url()}, .headers = {{.name = "X-Auth-User", .value = odd}}}};
    CHECK_THROWS_AS(call(fetching, request), Error);
    request.request.headers.clear();
    request.request.signing = S3Signing{.access_key = odd, .secret_key = Secret("key"), .region = "r"};
    CHECK_THROWS_AS(call(fetching, request), Error);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("a HEAD has no body whatever its length says") {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\n"}});
  Fetching fetching;
  const ApiResponse response = call(fetching, {.request = {.urls = {server.url()}}, .method = Method::head});
  CHECK(response.head.header("x-a") == "b");
  CHECK(response.body.empty());
}

TEST_CASE("what changes something is asked for once, unless its caller says that it may be repeated") {
  for (const bool repeatable : {false, true}) {
    CAPTURE(repeatable);
    ScriptedServer server({answer(503, "busy"), answer(201, "made")});
    Fetching fetching;
    CHECK(call(fetching, post(server.url(), repeatable)).head.status == (repeatable ? 201 : 503));
    CHECK(server.requests().size() == (repeatable ? 2 : 1));
  }
}

TEST_CASE("the last answer is given when retries don't help, in the server's own words") {
  ScriptedServer server(std::vector<Reply>(3, answer(503, "down for the night")));
  Fetching fetching;
  const ApiResponse response = call(fetching, {.request = {.urls = {server.url()}}});
  CHECK(response.head.status == 503);
  CHECK(response.body == "down for the night");
  CHECK(server.requests().size() == 3);
}

TEST_CASE("an answer tells how often the request was sent until it came") {
  ScriptedServer server({answer(200, ""), {.bytes = "", .then = Reply::Then::close}, answer(503, ""), answer(404, "")});
  Fetching fetching;
  ApiCall removal{.request = {.urls = {server.url()}}, .method = Method::remove, .repeatable = true};
  CHECK(call(fetching, removal).sent == 1);
  CHECK(call(fetching, removal).sent == 3);
}

TEST_CASE("a request isn't sent where no connection is had") {
  ScriptedServer server({answer(404, "")});
  Fetching fetching;
  const std::string unresolved = "http://" + std::string(64, 'a');
  CHECK(call(fetching, {.request = {.urls = {unresolved, server.url()}}}).sent == 1);
}

TEST_CASE("a server that fails is followed by the next one, at once") {
  ScriptedServer first({answer(503, "")});
  ScriptedServer second({answer(200, "here")});
  HttpSettings settings = eager_settings();
  settings.retry.first_delay = std::chrono::hours(24);  // only a whole round of failures is worth waiting for
  Fetching fetching(settings);
  const ApiResponse response = call(fetching, {.request = {.urls = {first.url(), second.url()}}});
  CHECK(response.body == "here");
  CHECK(response.url == second.url());
}

TEST_CASE("the next server is tried although there are no retries") {
  ScriptedServer first({answer(503, "")});
  ScriptedServer second({answer(200, "here")});
  HttpSettings settings = eager_settings();
  settings.retry.retries = 0;
  Fetching fetching(settings);
  CHECK(call(fetching, {.request = {.urls = {first.url(), second.url()}}}).body == "here");
}

TEST_CASE("what another answer left in a kept connection is nobody's answer") {
  ScriptedServer server({{answer(200, "first").bytes + "and more than it said"}, answer(200, "second")});
  HttpSettings settings = eager_settings();
  settings.retry.retries = 0;
  Fetching fetching(settings);
  CHECK(call(fetching, {.request = {.urls = {server.url()}}}).body == "first");
  CHECK(call(fetching, {.request = {.urls = {server.url()}}}).body == "second");
}

TEST_CASE("an answer of a client's error is the same at every server") {
  ScriptedServer first({answer(404, "")});
  ScriptedServer second({answer(200, "here")});
  Fetching fetching;
  CHECK(call(fetching, {.request = {.urls = {first.url(), second.url()}}}).head.status == 404);
  CHECK(second.requests().empty());
}

TEST_CASE("an answer without an end is refused") {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\n\r\n" + std::string((16 << 20) + 1, 'x'), Reply::Then::close}});
  Fetching fetching;
  CHECK_THROWS_WITH_AS(call(fetching, {.request = {.urls = {server.url()}}}), doctest::Contains("more than 16 MiB"),
                       Error);
}

TEST_CASE("reading follows redirects, writing doesn't") {
  ScriptedServer server({test::redirect("/there"), answer(200, "read"), test::redirect("/there")});
  Fetching fetching;
  CHECK(call(fetching, {.request = {.urls = {server.url()}}}).body == "read");
  CHECK(call(fetching, post(server.url(), true)).head.status == 302);
}

// Gives a text in pieces of at most seven bytes.
class TextBody : public UploadBody {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}

  void rewind() override { at_ = 0; }
  std::size_t read(std::span<std::byte> room) override {
    if (fails_at && at_ >= *fails_at) throw Error(ErrorCode::source_unavailable, "the file changed");
    const std::size_t count = std::min({room.size(), text_.size() - at_, std::size_t{7}});
    std::memcpy(room.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }

  std::optional<std::size_t> fails_at;

 private:
  std::string text_;
  std::size_t at_ = 0;
};

TEST_CASE("an upload is chunked, and its answer given") {
  ScriptedServer server({answer(204, "")});
  Fetching fetching;
  TextBody body("the bytes of an image");
  const HttpRequest request{.urls = {server.url("v2/images/1/file")},
                            .headers = {{.name = "X-Auth-Token", .value = "t", .secret = true}}};
  const auto response = fetching.client.upload(request, "application/octet-stream", body, test::test_operation());
  CHECK(response.head.status == 204);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].has("PUT /v2/images/1/file HTTP/1.1\r\n"));
  CHECK(server.requests()[0].has("Transfer-Encoding: chunked\r\n"));
  CHECK(server.requests()[0].has("Content-Type: application/octet-stream\r\n"));
  CHECK(server.requests()[0].has("X-Auth-Token: t\r\n"));
  CHECK(server.requests()[0].body == "the bytes of an image");
}

TEST_CASE("what the body of an upload throws ends it") {
  ScriptedServer server({answer(204, "")});
  Fetching fetching;
  TextBody body("the bytes of an image");
  body.fails_at = 7;
  CHECK_THROWS_WITH_AS(
      fetching.client.upload({.urls = {server.url()}}, "application/octet-stream", body, test::test_operation()),
      doctest::Contains("the file changed"), Error);
}

}  // namespace
}  // namespace basecache::http
