#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/layout/cache_layout.hpp"
#include "agent/prune/disk_chain_reader.hpp"

namespace basecache::prune {

// Which base files are referred to, by whom.
struct Usage {
  std::map<model::CacheKey, std::vector<std::string>> users;  // "instance <uuid> disk 'disk.local'"
  std::vector<std::string> unreadable;                        // why usage isn't known; then nothing may be removed
};

// Every file of every instance directory (staged ones too) and of the directories in it, through its whole backing
// chain. What a file is says who made it: disk.info beside it, the header of the disk that stands on it, a base file's
// record. Where nobody does, its own header counts, for it may be a disk in use; but what is never made into an overlay
// (console.log, kernel, ramdisk, config drive) isn't looked into.
Usage collect_usage(const layout::CacheLayout& layout, const DiskChainReader& reader);

}  // namespace basecache::prune
