#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "agent/domain/known_domain.hpp"
#include "agent/model/json_fields.hpp"

// A domain as it travels from the hook to the agent, and as its lease is written down:
// {"name", "files": [{"path", "format", "role"}]}.
namespace basecache::domain {

// Files that one domain may name: each has half a KiB of a request's body (api::ConnectionLimits).
inline constexpr std::size_t kMostFiles = 2048;

nlohmann::json to_json(const KnownDomain& domain);

// Other fields are left to the caller. Error(invalid_request) naming the field; paths are absolute.
KnownDomain read_domain(const std::string& uuid, model::JsonFields& message);

}  // namespace basecache::domain
