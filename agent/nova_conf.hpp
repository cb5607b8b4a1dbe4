#pragma once

#include <vector>

#include "agent/config_file.hpp"

namespace basecache {

// The options of a nova.conf that are ours, as a config file of our own would have them: names that Nova has given up
// become today's (today's wins), "$option" and "${group.option}" are replaced by what this file says, and a state_path
// without an instances_path moves that too. Weakest first: the last entry of a name is the one that holds.
// Error(invalid_request) for a reference to an option that the file doesn't set: Nova's own defaults aren't known here.
std::vector<ConfigEntry> our_options(const std::vector<ConfigEntry>& nova, const Path& file);

}  // namespace basecache
