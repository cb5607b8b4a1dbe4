#pragma once

#include <string>

#include "agent/base/path.hpp"
#include "agent/base/secret.hpp"

namespace basecache {

// [keystone_authtoken]: who the agent is at Keystone. Names and meaning are keystoneauth's.
struct IdentityConfig {
  std::string auth_type = "password";
  std::string auth_url;  // empty: no Keystone
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
  std::string project_name;
  std::string project_id;
  std::string project_domain_name;
  std::string project_domain_id;
  std::string domain_name;
  std::string domain_id;
  std::string system_scope;
  std::string trust_id;
  std::string default_domain_name;
  std::string default_domain_id;
};

}  // namespace basecache
