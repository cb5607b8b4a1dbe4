#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/path.hpp"
#include "agent/base/secret.hpp"

namespace basecache::keystone {

// The ways to authenticate that we know.
enum class AuthMethod { none, password, token, application_credential };

// Who we are and where Keystone is. Names and meaning are keystoneauth's, as in nova.conf's [keystone_authtoken].
struct AuthOptions {
  std::string auth_type = "password";  // "none", "[v3]password", "[v3]token", "v3applicationcredential"
  std::string auth_url;                // with or without "/v3"
  // PEM files: whom Keystone's certificate is trusted by; ours.
  Path cafile;
  Path certfile;
  Path keyfile;

  std::string username;
  std::string user_id;
  std::string user_domain_name;
  std::string user_domain_id;
  Secret password;
  std::string application_credential_id;
  std::string application_credential_name;
  Secret application_credential_secret;
  Secret token;

  // What the token is for: one of project, domain, system and trust, or nothing. An application credential brings its
  // own.
  std::string project_name;
  std::string project_id;
  std::string project_domain_name;
  std::string project_domain_id;
  std::string domain_name;
  std::string domain_id;
  std::string system_scope;  // "all"
  std::string trust_id;
  // Of user and project, where they name none.
  std::string default_domain_name;
  std::string default_domain_id;

  // Not the operator but the location of an image named auth_url: as of HttpRequest.
  bool named_by_server = false;
  std::optional<unsigned> retries = {};         // as of HttpRequest
  std::string origin = "[keystone_authtoken]";  // where these options were set, for messages
};

// Every option by its name ("auth_url"), and the names it had before ("tenant_name").
std::span<const std::string_view> auth_option_names();
// Sets the option of that name. False when there is none.
bool set_auth_option(AuthOptions& options, std::string_view name, std::string value);

// Nothing for an auth_type that isn't one of ours.
std::optional<AuthMethod> method_of(const AuthOptions& options);

// Error(invalid_request) naming the first option that is missing or contradicts another one, and where to set it.
void check_complete(const AuthOptions& options);

// Who asks, for people: "user 'nova' of project 'service'". No secrets.
std::string describe(const AuthOptions& options);

}  // namespace basecache::keystone
