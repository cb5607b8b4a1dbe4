#include "backends/keystone/token.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/unit/keystone/credentials.hpp"
#include "tests/unit/keystone/token_answer.hpp"

namespace basecache::keystone {
namespace {

using std::chrono::seconds;

TEST_CASE("a life beyond all reason is cut, so that no clock overflows") {
  const auto token =
      token_from("gAAAA", token_body({.issued_at = "2026-01-01T00:00:00Z", .expires_at = "9999-01-01T00:00:00Z"}));
  REQUIRE(token);
  CHECK(token->life == std::chrono::hours(24 * 365));
}

TEST_CASE("a token is read with its life and catalog") {
  const auto token = token_from(
      "gAAAA", token_body({.issued_at = "2026-12-31T23:59:00.000000Z", .expires_at = "2027-01-01T01:00:30.000000Z"}));
  REQUIRE(token);
  CHECK(token->id.reveal() == "gAAAA");
  CHECK(token->life == seconds(3690));
  CHECK(token->catalog.url_of({}) == "http://glance:9292");
}

TEST_CASE("a token without a scope has no catalog") {
  const auto token = token_from("t", R"({"token": {"issued_at": "2026-11-20T00:00:00.000000Z",
                                                   "expires_at": "2026-11-20T01:00:00Z"}})");
  REQUIRE(token);
  CHECK(token->catalog.endpoints().empty());
  CHECK(token->life == std::chrono::hours(1));
}

TEST_CASE("what isn't a token is none") {
  CHECK_FALSE(token_from("", token_body({})));
  for (const char* body : {"", "<html>", "[]", "{}", R"({"token": 1})", R"({"token": {}})",
                           R"({"token": {"issued_at": "2026-11-20T00:00:00Z"}})"}) {
    CAPTURE(body);
    CHECK_FALSE(token_from("t", body));
  }
}

TEST_CASE("a catalog that never stops nesting, or has values without end, is no token") {
  const std::string head = R"({"token": {"issued_at": "2026-11-20T00:00:00Z", "expires_at": "2026-11-20T01:00:00Z", )"
                           R"("catalog": [)";
  CHECK_FALSE(token_from("t", head + std::string(3'000'000, '[')));
  std::string values;
  for (int i = 0; i < 400'000; ++i) values += "[],";
  CHECK_FALSE(token_from("t", head + values + "[]]}}"));
}

TEST_CASE("an answer of more text than the largest catalog's is no token") {
  const std::string body = token_body({});
  CHECK(token_from("t", body + std::string(4 * 1024 * 1024 - body.size(), ' ')));
  CHECK_FALSE(token_from("t", body + std::string(4 * 1024 * 1024, ' ')));
}

TEST_CASE("a time that isn't one in UTC is refused") {
  for (const char* time : {"", "tomorrow", "2026-11-21 23:50", "2026-13-21T23:50:17Z", "2026-11-21T23:50:17",
                           "2026-11-21T23:50:17+01:00", "2026-11-2xT23:50:17Z"}) {
    CAPTURE(time);
    CHECK_FALSE(token_from("t", token_body({.expires_at = time})));
  }
}

}  // namespace
}  // namespace basecache::keystone
