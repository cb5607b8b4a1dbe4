#pragma once

#include <string_view>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::layout {

// Files in our own directories below _base/.basecache/. People tidy up there, under a running daemon too: a directory
// that is missing holds nothing, and whoever needs it makes it again.

// Makes the directories of the layout that are missing. Error(storage_unusable) when it can't.
void prepare_directories(const CacheLayout& layout);

// Error(storage_unusable) when `_base` itself is missing: then its file system isn't mounted, and what was written
// below its mount point would be lost.
void make_state_directory(const CacheLayout& layout, const Path& directory);

// replace_small_file(), in a directory that may be missing.
void replace_state_file(const CacheLayout& layout, const Path& file, std::string_view content,
                        Durability durability = Durability::lazy);

// The regular files of the directory, in no order.
std::vector<Path> state_files(const Path& directory);

// The lock of an instance, ready to be taken.
Path instance_lock_file(const CacheLayout& layout, std::string_view uuid);

}  // namespace basecache::layout
