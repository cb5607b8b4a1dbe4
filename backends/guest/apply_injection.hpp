#pragma once

#include <vector>

#include "backends/guest/changed_pages.hpp"
#include "backends/guest/inject_job.hpp"

namespace basecache::guest {

// Puts the items into the root file system on that disk, in memory: of each all, or nothing and why not. `pages`: of
// `disk`. UnsupportedFileSystem or Error(image_unacceptable) where there is no file system for it; nothing is changed
// then.
std::vector<ItemFailure> apply_injection(const injection::Injection& injection, const DiskView& disk,
                                         ChangedPages& pages);

}  // namespace basecache::guest
