#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/op_context.hpp"
#include "agent/cache/content_check.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/cache/lease.hpp"
#include "agent/cache/quarantine.hpp"
#include "agent/model/image.hpp"
#include "agent/provision/provisioner.hpp"
#include "agent/prune/pruner.hpp"
#include "agent/prune/usage.hpp"

// What travels over the socket, as README shows it: requests from JSON (Error(invalid_request) naming the field) and
// answers to JSON. Sizes are bytes, times are seconds.
namespace basecache::api {

// The body of a request; nothing at all counts as {}. Errors of model::parse_json().
nlohmann::json parse_body(const std::string& body);
// One line. Bytes that aren't UTF-8 (a file's name may hold any) become replacement characters.
std::string dump(const nlohmann::json& value);

// Of the instance that the path names; another uuid in the body is refused. Errors of InstanceSpec::make().
model::InstanceSpec creation_request(const std::string& uuid, nlohmann::json body);

struct PrecacheRequest {
  model::ImageBase image;
  std::optional<std::uint64_t> bytes_per_second;  // at most
};
PrecacheRequest precache_request(const nlohmann::json& body);
std::string pin_reason(const nlohmann::json& body);  // {"reason"?}
bool prune_is_dry(const nlohmann::json& body);       // {"dry_run"?}
// {"bytes_per_second"?}: 0 is no limit, nothing ContentCheck's own.
RateLimit verify_rate(const nlohmann::json& body);

nlohmann::json to_json(const Progress& progress);
// {"steps":[{"name","seconds"}],"seconds"}: how long it took, merged into the answers of long work.
nlohmann::json timing(OpContext& op, std::chrono::steady_clock::time_point started);
nlohmann::json to_json(const provision::InstanceDisks& instance);
nlohmann::json to_json(const cache::CacheEntry& entry, const prune::Usage& usage);
nlohmann::json to_json(const cache::BaseFileLease& lease);
nlohmann::json to_json(const cache::Capacity& capacity);
nlohmann::json to_json(const prune::PruneReport& report);
nlohmann::json to_json(const model::CacheKey& key, const cache::CheckedContent& checked);
nlohmann::json to_json(const cache::QuarantinedFile& file);

}  // namespace basecache::api
