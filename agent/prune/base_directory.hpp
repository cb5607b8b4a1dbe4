#pragma once

#include <sys/stat.h>

#include <optional>
#include <string_view>
#include <vector>

#include "agent/layout/cache_layout.hpp"
#include "agent/prune/prune_policy.hpp"

namespace basecache::prune {

// One name of `_base` with the mark by which a later use is noticed.
struct SeenEntry {
  BaseDirectoryEntry entry;
  struct timespec mtime {};
};

// What can be pruned or has to be explained; staged files of running requests are neither.
std::vector<SeenEntry> look_around(const layout::CacheLayout& layout);

// Nothing: there is none. Error when it can't be told.
std::optional<struct stat> look_at(const Path& path);
Bytes allocated_by(const struct stat& file);

// Of what a broken transfer left of `key`; nothing when there is none.
std::optional<struct stat> look_at_transfer(const layout::CacheLayout& layout, const model::CacheKey& key);

// The caller holds the exclusive lock of the key. Told in the log with `reason`.
void unlink_base_file(const layout::CacheLayout& layout, const model::CacheKey& key, Bytes allocated,
                      std::string_view reason);
void unlink_transfer(const layout::CacheLayout& layout, const model::CacheKey& key, Bytes allocated,
                     std::string_view reason);

}  // namespace basecache::prune
