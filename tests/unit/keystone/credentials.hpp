#pragma once

#include <string>
#include <string_view>

#include "backends/keystone/auth_options.hpp"

namespace basecache::keystone {

// Stands for every secret: must never be seen in a message.
inline const std::string kCanary = "canary-3f9c";

inline AuthOptions password_options(std::string auth_url = "http://keystone:5000") {
  AuthOptions options;
  options.auth_url = std::move(auth_url);
  options.username = "nova";
  options.user_domain_name = "Default";
  options.password = Secret(kCanary);
  options.project_name = "service";
  options.project_domain_name = "Default";
  return options;
}

inline AuthOptions token_options(std::string auth_url = "http://keystone:5000") {
  AuthOptions options;
  options.auth_type = "token";
  options.auth_url = std::move(auth_url);
  options.token = Secret(kCanary);
  options.project_name = "service";
  options.project_domain_name = "Default";
  return options;
}

inline AuthOptions application_credential_options(std::string auth_url = "http://keystone:5000") {
  AuthOptions options;
  options.auth_type = "v3applicationcredential";
  options.auth_url = std::move(auth_url);
  options.application_credential_id = "ac1";
  options.application_credential_secret = Secret(kCanary);
  return options;
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace basecache::keystone
