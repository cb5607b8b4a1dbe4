#include "agent/api/listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::api {
namespace {

constexpr int kBacklog = 512;

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::invalid_request, fmt::format("the socket's path {} is longer than {} bytes",
                                                        quote(path.native()), sizeof address.sun_path - 1))
        .set_hint("choose a shorter one: [basecache] socket, --socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  return address;
}

ExclusiveLock lock_of(FileLock& file, const Path& socket) {
  make_directories(socket.parent_path());
  ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (lock.owns()) return lock;
  throw Error(ErrorCode::in_use, "another basecached serves the socket " + quote(socket.native()))
      .set_hint("stop it first, or give this one another path: [basecache] socket, --socket");
}

void remove_dead_socket(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return;
  if (!S_ISSOCK(found.st_mode)) {
    throw Error(ErrorCode::already_exists, quote(path.native()) + " is there and is not a socket")
        .set_hint("nothing was touched: remove it, or choose another path: [basecache] socket, --socket");
  }
  remove_file(path);
}

// Modes and owner are set before listen(): nobody connects in between.
UniqueFd bound_socket(const SocketSettings& settings) {
  const sockaddr_un address = address_of(settings.path);
  const auto failed = [&](int error) {
    return Error::from_errno(error, "make the socket " + quote(settings.path.native()));
  };
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw failed(errno);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw failed(errno);
  if (::chmod(settings.path.c_str(), settings.mode) != 0) throw failed(errno);
  if (settings.group && ::chown(settings.path.c_str(), uid_t(-1), *settings.group) != 0) throw failed(errno);
  if (::listen(socket.get(), kBacklog) != 0) throw failed(errno);
  return socket;
}

}  // namespace

Listener::Listener(const SocketSettings& settings)
    : path_(settings.path), lock_file_(Path(settings.path.native() + ".lock")), lock_(lock_of(lock_file_, path_)) {
  remove_dead_socket(path_);
  socket_ = bound_socket(settings);
}

Listener::~Listener() { ::unlink(path_.c_str()); }

UniqueFd Listener::accept() const { return UniqueFd(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC)); }

}  // namespace basecache::api
