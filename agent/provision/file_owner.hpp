#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agent/base/path.hpp"

namespace basecache::provision {

// Whom a file is given to. -1: it stays whose it is, as for chown(2).
struct FileOwner {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);

  bool is_given() const { return user != static_cast<uid_t>(-1) || group != static_cast<gid_t>(-1); }
  friend bool operator==(const FileOwner&, const FileOwner&) = default;
};

// "user[:group]", each a name or a number; "": nobody in particular. Without a group it is the user's own, where the
// user is known. Error(invalid_request) that names `option` where there is no such user or group.
FileOwner owner_named(const std::string& text, std::string_view option);

// Error(invalid_request) that names `option` where this process can't give files in that directory to them.
void require_right_to_give(const FileOwner& owner, const Path& directory, std::string_view option);

}  // namespace basecache::provision
