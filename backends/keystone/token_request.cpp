#include "backends/keystone/token_request.hpp"

#include <nlohmann/json.hpp>

#include "backends/keystone/without_final_slashes.hpp"

namespace basecache::keystone {
namespace {

using nlohmann::json;

// A domain by its own options, else by those for both domains.
json domain(const std::string& id, const std::string& name, const AuthOptions& options) {
  if (!id.empty()) return {{"id", id}};
  if (!name.empty()) return {{"name", name}};
  if (!options.default_domain_id.empty()) return {{"id", options.default_domain_id}};
  return {{"name", options.default_domain_name}};
}

json user(const AuthOptions& options) {
  if (!options.user_id.empty()) return {{"id", options.user_id}};
  return {{"name", options.username}, {"domain", domain(options.user_domain_id, options.user_domain_name, options)}};
}

json password_identity(const AuthOptions& options) {
  json who = user(options);
  who["password"] = options.password.reveal();
  return {{"methods", json::array({"password"})}, {"password", {{"user", std::move(who)}}}};
}

json token_identity(const AuthOptions& options) {
  return {{"methods", json::array({"token"})}, {"token", {{"id", options.token.reveal()}}}};
}

json application_credential_identity(const AuthOptions& options) {
  json credential = {{"secret", options.application_credential_secret.reveal()}};
  if (!options.application_credential_id.empty()) {
    credential["id"] = options.application_credential_id;
  } else {
    credential["name"] = options.application_credential_name;
    credential["user"] = user(options);
  }
  return {{"methods", json::array({"application_credential"})}, {"application_credential", std::move(credential)}};
}

json identity(const AuthOptions& options) {
  switch (method_of(options).value_or(AuthMethod::none)) {
    case AuthMethod::none:
      return json::object();
    case AuthMethod::password:
      return password_identity(options);
    case AuthMethod::token:
      return token_identity(options);
    case AuthMethod::application_credential:
      return application_credential_identity(options);
  }
  return {};
}

json project(const AuthOptions& options) {
  if (!options.project_id.empty()) return {{"id", options.project_id}};
  return {{"name", options.project_name},
          {"domain", domain(options.project_domain_id, options.project_domain_name, options)}};
}

// null: whatever Keystone gives who asks for nothing in particular. Application credentials must not ask for more.
json scope(const AuthOptions& options) {
  if (method_of(options) == AuthMethod::application_credential) return nullptr;
  if (!options.project_id.empty() || !options.project_name.empty()) return {{"project", project(options)}};
  if (!options.domain_id.empty()) return {{"domain", {{"id", options.domain_id}}}};
  if (!options.domain_name.empty()) return {{"domain", {{"name", options.domain_name}}}};
  if (!options.trust_id.empty()) return {{"OS-TRUST:trust", {{"id", options.trust_id}}}};
  if (!options.system_scope.empty()) return {{"system", {{"all", true}}}};
  return nullptr;
}

}  // namespace

std::string tokens_url(std::string_view auth_url) {
  const std::string_view base = without_final_slashes(auth_url);
  return std::string(base) + (base.ends_with("/v3") ? "/auth/tokens" : "/v3/auth/tokens");
}

json token_request(const AuthOptions& options) {
  json auth = {{"identity", identity(options)}};
  if (json wanted = scope(options); !wanted.is_null()) auth["scope"] = std::move(wanted);
  return {{"auth", std::move(auth)}};
}

}  // namespace basecache::keystone
