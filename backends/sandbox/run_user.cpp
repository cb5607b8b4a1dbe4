#include "backends/sandbox/run_user.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <istream>

namespace basecache::sandbox {

User user_of_this_thread() {
  const unsigned id = kFirstRunUser + static_cast<unsigned>(::gettid());
  return {.uid = id, .gid = id};
}

bool has_users(std::istream& id_map, unsigned first, unsigned last) {
  std::uint64_t begin = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (id_map >> begin >> outside >> count) {
    if (begin <= first && last < begin + count) return true;
  }
  return false;
}

bool may_run_as_others() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> ours{};
  if (::geteuid() != 0 || ::syscall(SYS_capget, &header, ours.data()) != 0) return false;
  return std::ranges::all_of(std::array{CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID},
                             [&](int capability) { return (ours[0].effective >> capability & 1U) != 0; });
}

}  // namespace basecache::sandbox
