#include "backends/keystone/token_request.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/keystone/credentials.hpp"

namespace basecache::keystone {
namespace {

using nlohmann::json;

json scope_of(const AuthOptions& options) { return token_request(options)["auth"].value("scope", json()); }

TEST_CASE("tokens are asked for below v3, named or not, at any path") {
  CHECK(tokens_url("http://host:5000") == "http://host:5000/v3/auth/tokens");
  CHECK(tokens_url("http://host:5000/") == "http://host:5000/v3/auth/tokens");
  CHECK(tokens_url("http://host:5000/v3") == "http://host:5000/v3/auth/tokens");
  CHECK(tokens_url("http://host:5000/v3/") == "http://host:5000/v3/auth/tokens");
  CHECK(tokens_url("https://host/identity") == "https://host/identity/v3/auth/tokens");
  CHECK(tokens_url("https://host/identity/v3//") == "https://host/identity/v3/auth/tokens");
}

TEST_CASE("a user with a password asks for a project's token") {
  CHECK(token_request(password_options()) == json::parse(R"({"auth": {
    "identity": {"methods": ["password"], "password": {"user": {
      "name": "nova", "domain": {"name": "Default"}, "password": "canary-3f9c"}}},
    "scope": {"project": {"name": "service", "domain": {"name": "Default"}}}}})"));
}

TEST_CASE("a token asks for another scope") {
  CHECK(token_request(token_options()) == json::parse(R"({"auth": {
    "identity": {"methods": ["token"], "token": {"id": "canary-3f9c"}},
    "scope": {"project": {"name": "service", "domain": {"name": "Default"}}}}})"));
}

TEST_CASE("an application credential asks for no scope, whatever else is set") {
  AuthOptions options = application_credential_options();
  options.project_name = "service";
  CHECK(token_request(options) == json::parse(R"({"auth": {
    "identity": {"methods": ["application_credential"], "application_credential": {
      "id": "ac1", "secret": "canary-3f9c"}}}})"));
}

TEST_CASE("an application credential without an id names its user") {
  AuthOptions options = application_credential_options();
  options.application_credential_id.clear();
  options.application_credential_name = "agent";
  options.username = "nova";
  options.user_domain_id = "d1";
  CHECK(token_request(options) == json::parse(R"({"auth": {
    "identity": {"methods": ["application_credential"], "application_credential": {
      "name": "agent", "user": {"name": "nova", "domain": {"id": "d1"}}, "secret": "canary-3f9c"}}}})"));
}

TEST_CASE("ids win over names") {
  AuthOptions options = password_options();
  options.user_id = "u1";
  options.project_id = "p1";
  CHECK(token_request(options) == json::parse(R"({"auth": {
    "identity": {"methods": ["password"], "password": {"user": {"id": "u1", "password": "canary-3f9c"}}},
    "scope": {"project": {"id": "p1"}}}})"));
}

TEST_CASE("the default domain stands in for those that aren't named") {
  AuthOptions options = password_options();
  options.user_domain_name.clear();
  options.project_domain_name = "Other";
  options.default_domain_id = "default";
  const json auth = token_request(options)["auth"];
  CHECK(auth["identity"]["password"]["user"]["domain"] == json{{"id", "default"}});
  CHECK(auth["scope"]["project"]["domain"] == json{{"name", "Other"}});
}

TEST_CASE("each scope is asked for in its own words") {
  struct Row {
    std::string option;
    std::string value;
    std::string scope;
  };
  const Row rows[] = {
      {"domain_id", "d1", R"({"domain": {"id": "d1"}})"},
      {"domain_name", "D", R"({"domain": {"name": "D"}})"},
      {"trust_id", "t1", R"({"OS-TRUST:trust": {"id": "t1"}})"},
      {"system_scope", "all", R"({"system": {"all": true}})"},
      {"project_name", "", "null"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.option);
    AuthOptions options = password_options();
    options.project_name.clear();
    set_auth_option(options, row.option, row.value);
    CHECK(scope_of(options) == json::parse(row.scope));
  }
}

}  // namespace
}  // namespace basecache::keystone
