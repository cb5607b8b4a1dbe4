#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace basecache::cli {

// How full the cache is, of an answer's "capacity": "the cache has 12 GiB of at most 20 GiB; 30 GiB are free, of which
// 10 GiB are kept free\n".
std::string capacity_text(const nlohmann::json& capacity);

}  // namespace basecache::cli
