#include "backends/sandbox/run_user.hpp"

#include <unistd.h>

#include <cstdint>
#include <istream>

namespace basecache::sandbox {

User user_of_this_thread() {
  const unsigned id = kFirstRunUser + static_cast<unsigned>(::gettid());
  return {.uid = id, .gid = id};
}

bool maps_run_users(std::istream& id_map) {
  std::uint64_t first = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (id_map >> first >> outside >> count) {
    if (first <= kFirstRunUser && kLastRunUser < first + count) return true;
  }
  return false;
}

}  // namespace basecache::sandbox
