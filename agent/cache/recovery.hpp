#pragma once

#include <string>
#include <vector>

#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// Removes what dead requests left: staged files and staged instance directories whose lock nobody holds, records and
// other remarks of base files that aren't there, journals of transfers that are lost. What belongs to a live request,
// of whichever process, stays: its lock is held. So does a transfer that a later request can go on with: file and
// journal. Returns the paths that went.
std::vector<Path> recover(const layout::CacheLayout& layout);

}  // namespace basecache::cache
