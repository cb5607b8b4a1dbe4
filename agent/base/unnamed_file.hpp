#pragma once

#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache {

// A new file on the file system of that directory, open for writing, that nobody finds and that goes with its
// descriptor: to see what can be done with files there.
UniqueFd unnamed_file(const Path& directory);

// Whether O_DIRECT works with files like this one.
bool takes_direct_io(int fd);

}  // namespace basecache
