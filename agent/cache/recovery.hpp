#pragma once

#include <string>
#include <vector>

#include "agent/cache/cache_layout.hpp"

namespace basecache::cache {

// Makes the directories of the layout that are missing. Error(storage_unusable) when it can't.
void prepare_directories(const CacheLayout& layout);

// Removes what dead requests left: staged files and staged instance directories whose lock nobody holds, records and
// other remarks of base files that aren't there, journals of transfers that are lost. What belongs to a live request,
// of whichever process, stays: its lock is held. So does a transfer that a later request can go on with: file and
// journal. Returns the paths that went.
std::vector<Path> recover(const CacheLayout& layout);

}  // namespace basecache::cache
