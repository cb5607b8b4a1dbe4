#pragma once

#include <iosfwd>

namespace basecache::sandbox {

struct User {
  unsigned uid = 0;
  unsigned gid = 0;

  friend bool operator==(const User&, const User&) = default;
};

// Of the range that no account, container or service of a host is given (https://systemd.io/UIDS-GIDS/), one for each
// thread that can be (proc(5), pid_max).
inline constexpr unsigned kFirstRunUser = 0x7000'0000;
inline constexpr unsigned kLastRunUser = kFirstRunUser + (1U << 22);

// The one of the calling thread: no other process is this user or of this group while the thread waits for a program
// that is.
User user_of_this_thread();

// Whether a user namespace has the users (or groups) `first` to `last`, by its /proc/self/uid_map or gid_map
// (user_namespaces(7)).
bool has_users(std::istream& id_map, unsigned first, unsigned last);

// Whether we are root with all that it takes to make a program another user's, to lend it our files, and to end it.
bool may_run_as_others();

}  // namespace basecache::sandbox
