#pragma once

#include <sys/types.h>

#include <optional>

#include "agent/base/file_lock.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"

namespace basecache::api {

struct SocketSettings {
  Path path;
  mode_t mode = 0660;
  std::optional<gid_t> group;  // absent: the daemon's own
};

// A listening Unix socket. One process a path: "<path>.lock" is held while this lives, so that the socket of a live
// daemon is never taken away and that of a dead one always is.
class Listener {
 public:
  // Makes the directory when it is missing. Error(in_use) for a live daemon's socket, Error(already_exists) when the
  // path is no socket, Error(invalid_request) when it is too long for one.
  explicit Listener(const SocketSettings& settings);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  // removes the socket

  int fd() const { return socket_.get(); }
  // Waits for nothing: an empty descriptor when nobody is there.
  UniqueFd accept() const;

 private:
  Path path_;
  FileLock lock_file_;
  ExclusiveLock lock_;
  UniqueFd socket_;
};

}  // namespace basecache::api
