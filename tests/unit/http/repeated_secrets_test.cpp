#include "backends/http/repeated_secrets.hpp"

#include <doctest/doctest.h>

#include <string>

namespace basecache::http {
namespace {

using namespace std::string_literals;

const std::vector<HttpHeader> kHeaders{{.name = "X-Auth-Token", .value = "token-of-mine", .secret = true},
                                       {.name = "X-Auth-Key", .value = "short", .secret = true},
                                       {.name = "Accept", .value = "application/json"}};

TEST_CASE("a secret is known again where it stands, and where JSON escapes hide it") {
  CHECK(repeats_secret(kHeaders, "who has token-of-mine?"));
  CHECK(repeats_secret(kHeaders, R"({"message": "tok\u0065n-of-\u006dine"})"));
  CHECK_FALSE(repeats_secret(kHeaders, R"({"message": "tok\u00"})"));
  CHECK_FALSE(repeats_secret(kHeaders, "token-of-yours in a short application/json"));
}

TEST_CASE("what repeats a secret goes out of an answer's head, and the rest stays") {
  ResponseHead head{.status = 302,
                    .length = {},
                    .location = "http://elsewhere/token-of-mine",
                    .headers = {{"x-echo", "a token-of-mine"}, {"content-type", "application/json"}}};
  forget_secrets(head, kHeaders);
  CHECK(head.location.empty());
  CHECK(head.headers == std::map<std::string, std::string>{{"content-type", "application/json"}});
}

TEST_CASE("a fault that would repeat a secret is told without its words") {
  Fault fault{.kind = FaultKind::misspoken, .reason = "Content-Encoding 'token-of-mine'"};
  forget_secrets(fault, kHeaders);
  CHECK(fault.kind == FaultKind::misspoken);
  CHECK(fault.reason.find("token") == std::string::npos);
  Fault other{.reason = "the connection was reset"};
  forget_secrets(other, kHeaders);
  CHECK(other.reason == "the connection was reset");
}

}  // namespace
}  // namespace basecache::http
