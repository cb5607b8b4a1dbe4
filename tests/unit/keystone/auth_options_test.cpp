#include "backends/keystone/auth_options.hpp"

#include <doctest/doctest.h>

#include <string>

#include "agent/base/error.hpp"
#include "tests/unit/keystone/credentials.hpp"

namespace basecache::keystone {
namespace {

// What is said of options that can't be used; an empty message when they can.
Error complaint(const AuthOptions& options) {
  try {
    check_complete(options);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, ""};
}

TEST_CASE("every option is set by its name") {
  AuthOptions options;
  for (const std::string_view name : auth_option_names()) {
    CAPTURE(name);
    CHECK(set_auth_option(options, name, "value"));
  }
  CHECK_FALSE(set_auth_option(options, "passwort", "value"));
  CHECK(options.username == "value");
  CHECK(options.project_domain_id == "value");
  CHECK(options.cafile == "value");
  CHECK(options.application_credential_secret.reveal() == "value");
}

TEST_CASE("the names of today stand behind the former ones, so that they win") {
  AuthOptions options;
  for (const std::string_view name : auth_option_names()) {
    set_auth_option(options, name, name.starts_with("tenant") || name == "user_name" ? "former" : "today");
  }
  CHECK(options.username == "today");
  CHECK(options.project_name == "today");
  CHECK(options.project_id == "today");
}

TEST_CASE("complete options of each auth_type pass") {
  CHECK(complaint(password_options()).message().empty());
  CHECK(complaint(token_options()).message().empty());
  CHECK(complaint(application_credential_options()).message().empty());
  AuthOptions none;
  none.auth_type = "none";
  CHECK(complaint(none).message().empty());
}

TEST_CASE("ids need no domain, and default domains are as good as others") {
  AuthOptions options = password_options();
  options.user_domain_name.clear();
  options.project_domain_name.clear();
  options.default_domain_id = "default";
  CHECK(complaint(options).message().empty());
  options.default_domain_id.clear();
  options.user_id = "u1";
  options.project_id = "p1";
  CHECK(complaint(options).message().empty());
}

TEST_CASE("the first missing option is named, and where to set it") {
  struct Row {
    AuthOptions options;
    std::string removed;
    std::string missing;
  };
  AuthOptions named_credential = application_credential_options();
  named_credential.application_credential_id.clear();
  named_credential.application_credential_name = "agent";
  const Row rows[] = {
      {password_options(), "auth_url", "auth_url"},
      {password_options(), "username", "username"},
      {password_options(), "user_domain_name", "user_domain_name"},
      {password_options(), "password", "password"},
      {password_options(), "project_domain_name", "project_domain_name"},
      {token_options(), "token", "token"},
      {token_options(), "auth_url", "auth_url"},
      {application_credential_options(), "application_credential_secret", "application_credential_secret"},
      {application_credential_options(), "application_credential_id", "application_credential_id"},
      {named_credential, "", "username"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.missing);
    AuthOptions options = row.options;
    options.origin = "[glance] of 'x.conf'";
    set_auth_option(options, row.removed, "");
    const Error error = complaint(options);
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message() ==
          "cannot authenticate with auth_type '" + options.auth_type + "': " + row.missing + " is missing");
    CHECK(error.hint() == "set " + row.missing + " in [glance] of 'x.conf'");
  }
}

TEST_CASE("an auth_type of another plugin is refused with those we know") {
  AuthOptions options = password_options();
  options.auth_type = "v3oidcpassword";
  CHECK(complaint(options).message().ends_with("one of password, token, v3applicationcredential and none"));
}

TEST_CASE("a token has one scope") {
  for (const char* second : {"domain_name", "domain_id", "trust_id", "system_scope"}) {
    CAPTURE(second);
    AuthOptions options = password_options();
    set_auth_option(options, second, "all");
    CHECK(contains(complaint(options).message(), "not for several"));
    options.project_name.clear();
    CHECK(complaint(options).message().empty());
  }
}

TEST_CASE("the only system scope is all") {
  AuthOptions options = password_options();
  options.project_name.clear();
  options.system_scope = "some";
  CHECK(contains(complaint(options).message(), "system_scope is 'some'"));
}

TEST_CASE("who asks is described without a secret") {
  CHECK(describe(password_options()) == "user 'nova' of project 'service'");
  CHECK(describe(token_options()) == "the token of project 'service'");
  CHECK(describe(application_credential_options()) == "application credential 'ac1'");
  AuthOptions by_id;
  by_id.user_id = "u1";
  by_id.system_scope = "all";
  CHECK(describe(by_id) == "user 'u1' of the system");
}

}  // namespace
}  // namespace basecache::keystone
