#pragma once

#include <string>
#include <vector>

#include "backends/keystone/auth_options.hpp"

namespace basecache::keystone {

// What a user of OpenStack's command line has set up: who they are, and which of a cloud's endpoints they use.
struct CloudAccess {
  AuthOptions auth;
  std::string region;                             // "": any
  std::vector<std::string> interfaces{"public"};  // best first
  std::string image_endpoint_override;            // "": as the catalog says
};

}  // namespace basecache::keystone
