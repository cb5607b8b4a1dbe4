#include "backends/keystone/auth_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::keystone {
namespace {

using Text = std::string AuthOptions::*;
using Hidden = Secret AuthOptions::*;
using File = Path AuthOptions::*;

struct Option {
  std::string_view name;
  std::variant<Text, Hidden, File> member;
};

constexpr std::array kOptions = {
    // A later name of the same member wins where all are read in this order: today's stand below former ones.
    Option{"user_name", &AuthOptions::username},
    Option{"tenant_name", &AuthOptions::project_name},
    Option{"tenant_id", &AuthOptions::project_id},
    Option{"auth_type", &AuthOptions::auth_type},
    Option{"auth_url", &AuthOptions::auth_url},
    Option{"cafile", &AuthOptions::cafile},
    Option{"certfile", &AuthOptions::certfile},
    Option{"keyfile", &AuthOptions::keyfile},
    Option{"username", &AuthOptions::username},
    Option{"user_id", &AuthOptions::user_id},
    Option{"user_domain_name", &AuthOptions::user_domain_name},
    Option{"user_domain_id", &AuthOptions::user_domain_id},
    Option{"password", &AuthOptions::password},
    Option{"application_credential_id", &AuthOptions::application_credential_id},
    Option{"application_credential_name", &AuthOptions::application_credential_name},
    Option{"application_credential_secret", &AuthOptions::application_credential_secret},
    Option{"token", &AuthOptions::token},
    Option{"project_name", &AuthOptions::project_name},
    Option{"project_id", &AuthOptions::project_id},
    Option{"project_domain_name", &AuthOptions::project_domain_name},
    Option{"project_domain_id", &AuthOptions::project_domain_id},
    Option{"domain_name", &AuthOptions::domain_name},
    Option{"domain_id", &AuthOptions::domain_id},
    Option{"system_scope", &AuthOptions::system_scope},
    Option{"trust_id", &AuthOptions::trust_id},
    Option{"default_domain_name", &AuthOptions::default_domain_name},
    Option{"default_domain_id", &AuthOptions::default_domain_id},
};

constexpr auto kNames = [] {
  std::array<std::string_view, kOptions.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kOptions[i].name;
  return names;
}();

[[noreturn]] void refuse(const AuthOptions& options, const std::string& why, const std::string& what_to_do) {
  throw Error(ErrorCode::invalid_request,
              fmt::format("cannot authenticate with auth_type {}: {}", quote(options.auth_type), why))
      .set_hint(fmt::format("{} in {}", what_to_do, options.origin));
}

void require(const AuthOptions& options, bool is_set, std::string_view names) {
  if (!is_set) refuse(options, fmt::format("{} is missing", names), fmt::format("set {}", names));
}

bool has_default_domain(const AuthOptions& options) {
  return !options.default_domain_id.empty() || !options.default_domain_name.empty();
}

// Names of users are unique within a domain only.
void check_user(const AuthOptions& options) {
  require(options, !options.user_id.empty() || !options.username.empty(), "username");
  const bool has_domain = !options.user_domain_id.empty() || !options.user_domain_name.empty();
  require(options, !options.user_id.empty() || has_domain || has_default_domain(options), "user_domain_name");
}

void check_credentials(const AuthOptions& options, AuthMethod method) {
  switch (method) {
    case AuthMethod::none:
      return;
    case AuthMethod::password:
      check_user(options);
      return require(options, !options.password.empty(), "password");
    case AuthMethod::token:
      return require(options, !options.token.empty(), "token");
    case AuthMethod::application_credential:
      require(options, !options.application_credential_secret.empty(), "application_credential_secret");
      if (!options.application_credential_id.empty()) return;
      require(options, !options.application_credential_name.empty(), "application_credential_id");
      return check_user(options);
  }
}

bool has_project(const AuthOptions& options) { return !options.project_id.empty() || !options.project_name.empty(); }

void check_scope(const AuthOptions& options) {
  const std::array scopes = {has_project(options), !options.domain_id.empty() || !options.domain_name.empty(),
                             !options.system_scope.empty(), !options.trust_id.empty()};
  if (std::ranges::count(scopes, true) > 1) {
    refuse(options, "a token is for one of a project, a domain, the system and a trust, not for several",
           "set one of project_name, domain_name, system_scope and trust_id");
  }
  if (!options.system_scope.empty() && options.system_scope != "all") {
    refuse(options, fmt::format("system_scope is {}, where Keystone knows 'all' only", quote(options.system_scope)),
           "set system_scope = all");
  }
  if (options.project_name.empty() || !options.project_id.empty()) return;
  const bool has_domain = !options.project_domain_id.empty() || !options.project_domain_name.empty();
  require(options, has_domain || has_default_domain(options), "project_domain_name");
}

std::string describe_scope(const AuthOptions& options) {
  if (!options.project_name.empty()) return " of project " + quote(options.project_name);
  if (!options.project_id.empty()) return " of project " + quote(options.project_id);
  if (!options.domain_name.empty()) return " of domain " + quote(options.domain_name);
  if (!options.domain_id.empty()) return " of domain " + quote(options.domain_id);
  if (!options.trust_id.empty()) return " of trust " + quote(options.trust_id);
  return options.system_scope.empty() ? "" : " of the system";
}

std::string describe_user(const AuthOptions& options) {
  return "user " + quote(options.username.empty() ? options.user_id : options.username);
}

std::string describe_application_credential(const AuthOptions& options) {
  if (!options.application_credential_id.empty()) {
    return "application credential " + quote(options.application_credential_id);
  }
  return fmt::format("application credential {} of {}", quote(options.application_credential_name),
                     describe_user(options));
}

}  // namespace

std::span<const std::string_view> auth_option_names() { return kNames; }

bool set_auth_option(AuthOptions& options, std::string_view name, std::string value) {
  const auto* option = std::ranges::find(kOptions, name, &Option::name);
  if (option == kOptions.end()) return false;
  std::visit(
      [&](auto member) {
        auto& place = options.*member;
        place = std::remove_reference_t<decltype(place)>(std::move(value));
      },
      option->member);
  return true;
}

std::optional<AuthMethod> method_of(const AuthOptions& options) {
  if (options.auth_type == "password" || options.auth_type == "v3password") return AuthMethod::password;
  if (options.auth_type == "token" || options.auth_type == "v3token") return AuthMethod::token;
  if (options.auth_type == "v3applicationcredential") return AuthMethod::application_credential;
  if (options.auth_type == "none") return AuthMethod::none;
  return std::nullopt;
}

void check_complete(const AuthOptions& options) {
  const auto method = method_of(options);
  if (!method) {
    refuse(options, "it isn't one of password, token, v3applicationcredential and none",
           "set auth_type to one of them");
  }
  if (method == AuthMethod::none) return;
  require(options, !options.auth_url.empty(), "auth_url");
  check_credentials(options, *method);
  if (method != AuthMethod::application_credential) check_scope(options);
}

std::string describe(const AuthOptions& options) {
  switch (method_of(options).value_or(AuthMethod::none)) {
    case AuthMethod::none:
      return "nobody";
    case AuthMethod::password:
      return describe_user(options) + describe_scope(options);
    case AuthMethod::token:
      return "the token" + describe_scope(options);
    case AuthMethod::application_credential:
      return describe_application_credential(options);
  }
  return {};
}

}  // namespace basecache::keystone
