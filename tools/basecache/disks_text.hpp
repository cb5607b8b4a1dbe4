#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace basecache::cli {

// The disks of an instance, and the time of each step where there is one, for people.
std::string disks_text(const nlohmann::json& answer);
// "  fetch 0.52 s, convert 0.20 s; 0.81 s in all"
std::string steps_text(const nlohmann::json& answer);

}  // namespace basecache::cli
