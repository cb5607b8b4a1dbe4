#pragma once

#include "agent/layout/cache_layout.hpp"
#include "agent/prune/chain_walk.hpp"

namespace basecache::prune {

// Walks every file of every instance directory (staged ones too) and of the directories in it, through its whole
// backing chain. What a file is says who made it: disk.info beside it, the header of the disk that stands on it, a base
// file's record. Where nobody does, its own header counts, for it may be a disk in use; but what is never made into an
// overlay (console.log, kernel, ramdisk, config drive) isn't looked into.
void collect_instances(const layout::CacheLayout& layout, ChainWalk& walk);

}  // namespace basecache::prune
