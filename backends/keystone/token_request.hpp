#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "backends/keystone/auth_options.hpp"

namespace basecache::keystone {

// Where tokens are asked for: "<auth_url>/v3/auth/tokens". The URL may end in /v3 or not, below any path
// ("http://cloud/identity"). Versions are not asked for: Keystone has had no other one since 2018.
std::string tokens_url(std::string_view auth_url);

// The body of POST /v3/auth/tokens (Identity API v3, "Authentication and token management"). Holds secrets. `options`
// are complete, and there is something to ask for (not AuthMethod::none).
nlohmann::json token_request(const AuthOptions& options);

}  // namespace basecache::keystone
