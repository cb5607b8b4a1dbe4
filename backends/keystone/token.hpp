#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/base/secret.hpp"
#include "backends/keystone/catalog.hpp"

namespace basecache::keystone {

// The right to use a cloud's services for a while, and where they are.
struct Token {
  Secret id;  // the value of X-Auth-Token; empty when nobody authenticates
  // From issue to expiry, both told by Keystone's clock: ours may be wrong.
  std::chrono::seconds life{0};
  Catalog catalog;
};

// What Keystone answered to a request for a token (status 201): the value of its X-Subject-Token header and the body.
// Nothing when that isn't a token, or has over 4 MiB.
std::optional<Token> token_from(const std::string& subject_token, const std::string& body);

}  // namespace basecache::keystone
