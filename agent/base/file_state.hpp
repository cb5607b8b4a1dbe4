#pragma once

#include <cstdint>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache {

// What tells that somebody has written to a file meanwhile. Unequal states are of different contents; equal ones of the
// same, as far as file systems tell time.
struct FileState {
  Bytes size = {};
  std::int64_t modified = 0;  // nanoseconds since the epoch
  bool is_regular = false;

  friend bool operator==(const FileState&, const FileState&) = default;
};

// `path` names the file in an Error.
FileState state_of(int fd, const Path& path);

}  // namespace basecache
