#pragma once

#include <chrono>

#include "agent/base/byte_size.hpp"

namespace basecache::sandbox {

// What one program may use up (setrlimit(2)). How long it may take by the clock is its operation's deadline.
struct Limits {
  Bytes address_space = {};
  std::chrono::seconds cpu_time{};
  Bytes file_size = {};  // of each file that it writes
  unsigned open_files = 64;
};

}  // namespace basecache::sandbox
