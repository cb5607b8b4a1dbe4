#include "backends/http/redirect_route.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace basecache::http {
namespace {

const std::vector<std::string> kListed{"mirror.example"};

std::optional<FaultKind> kind_of_step(const std::string& from, const std::string& to) {
  RedirectRoute route(from, kListed);
  const auto fault = route.follow(to);
  return fault ? std::optional(fault->kind) : std::nullopt;
}

TEST_CASE("a redirect may lead to http from http, to https from anywhere, and nowhere else") {
  struct Case {
    const char* from;
    const char* to;
    std::optional<FaultKind> expected;
  };
  const std::vector<Case> cases{
      {"http://a/", "http://b/", std::nullopt},
      {"http://a/", "https://b/", std::nullopt},
      {"https://a/", "https://b/", std::nullopt},
      {"https://a/", "http://a/", FaultKind::forbidden_redirect},
      {"http://a/", "file:///etc/passwd", FaultKind::forbidden_redirect},
      {"http://a/", "ftp://a/", FaultKind::forbidden_redirect},
      {"http://a/", "gopher://a/", FaultKind::forbidden_redirect},
      {"http://a/", "nonsense", FaultKind::forbidden_redirect},
  };
  for (const Case& c : cases) {
    CAPTURE(c.from);
    CAPTURE(c.to);
    CHECK(kind_of_step(c.from, c.to) == c.expected);
  }
}

TEST_CASE("a caller asks for http and https only") {
  for (const char* url : {"ftp://a/", "file:///image", "image", ""}) {
    CAPTURE(url);
    try {
      RedirectRoute route(url, kListed);
      FAIL("taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
    }
  }
}

TEST_CASE("a loop ends after a few redirects") {
  RedirectRoute route("http://a/", kListed);
  for (unsigned i = 0; i < RedirectRoute::kMostRedirects; ++i) REQUIRE_FALSE(route.follow("http://a/"));
  const auto fault = route.follow("http://a/");
  REQUIRE(fault);
  CHECK(fault->kind == FaultKind::redirect_loop);
}

TEST_CASE("trust follows the way: who asked, who led there, what is listed") {
  RedirectRoute route("http://a/image", kListed);
  CHECK_FALSE(route.trust().redirected);
  CHECK(route.trust().asked_for);
  REQUIRE_FALSE(route.follow("http://Mirror.Example:8080/image"));
  CHECK(route.trust().redirected);
  CHECK_FALSE(route.trust().asked_for);
  CHECK(route.trust().listed);
  REQUIRE_FALSE(route.follow("http://A:81/image"));
  CHECK(route.trust().redirected);
  CHECK(route.trust().asked_for);
  CHECK(route.url() == "http://A:81/image");
}

TEST_CASE("only the very server that was asked is the first server") {
  for (const char* other : {"http://b/", "http://a:81/", "https://a/"}) {
    CAPTURE(other);
    RedirectRoute route("http://a/", kListed);
    CHECK(route.at_first_server());
    REQUIRE_FALSE(route.follow(other));
    CHECK_FALSE(route.at_first_server());
  }
  RedirectRoute route("http://a/", kListed);
  REQUIRE_FALSE(route.follow("http://A:80/elsewhere"));
  CHECK(route.at_first_server());
}

TEST_CASE("a refused redirect is told without the secrets of its URL") {
  RedirectRoute route("https://a/", kListed);
  const auto fault = route.follow("http://user:secret@b/?token=secret");
  REQUIRE(fault);
  CHECK(fault->reason.find("secret") == std::string::npos);
  CHECK(fault->reason.find("http://***@b/") != std::string::npos);
}

}  // namespace
}  // namespace basecache::http
