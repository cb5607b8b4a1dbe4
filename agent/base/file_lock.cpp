#include "agent/base/file_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{50};

// False: somebody else holds it (only when not waiting).
bool set_lock(int fd, int command, short type, const Path& path) {
  struct flock request {};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  while (::fcntl(fd, command, &request) != 0) {
    const int error = errno;
    if (error == EAGAIN || error == EACCES) return false;
    if (error != EINTR) throw Error::from_errno(error, "lock " + quote(path.native()));
  }
  return true;
}

bool is_still_at(int fd, const Path& path) {
  struct stat held {};
  struct stat there {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

template <class TryLock>
void retry(const OpContext& op, TryLock try_lock) {
  for (auto pause = kFirstPause; !try_lock(); pause = std::min(pause * 2, kLongestPause)) op.wait_for(pause);
}

// A lock file that root makes must be writable for Nova, whose user owns the directory.
UniqueFd open_lock_file(const Path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  fd = open_file(path, O_RDWR | O_CREAT, 0644);
  inherit_owner(path);
  return fd;
}

}  // namespace

bool FileLock::acquire(int command, short type) {
  while (true) {
    if (!fd_) fd_ = open_lock_file(path_);
    if (!set_lock(fd_.get(), command, type, path_)) {
      // Somebody's lock on an inode that isn't the lock file any more doesn't concern us.
      if (is_still_at(fd_.get(), path_)) return false;
    } else if (is_still_at(fd_.get(), path_)) {
      return true;
    }
    fd_.reset();
  }
}

bool FileLock::try_lock() { return acquire(F_OFD_SETLK, F_WRLCK); }
bool FileLock::try_lock_sharable() { return acquire(F_OFD_SETLK, F_RDLCK); }
void FileLock::lock() { (void)acquire(F_OFD_SETLKW, F_WRLCK); }
void FileLock::lock_sharable() { (void)acquire(F_OFD_SETLKW, F_RDLCK); }
void FileLock::unlock() { fd_.reset(); }
void FileLock::unlock_and_lock_sharable() { (void)set_lock(fd_.get(), F_OFD_SETLK, F_RDLCK, path_); }

bool is_held(const Path& lock_file) {
  const UniqueFd fd(::open(lock_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;  // nobody has made it, or what is to be taken there will fail
  struct flock request {};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;
  return ::fcntl(fd.get(), F_OFD_GETLK, &request) == 0 && request.l_type != F_UNLCK;
}

ExclusiveLock lock_exclusive(FileLock& lock, const OpContext& op) {
  retry(op, [&] { return lock.try_lock(); });
  return ExclusiveLock(lock, boost::interprocess::accept_ownership);
}

SharedLock lock_shared(FileLock& lock, const OpContext& op) {
  retry(op, [&] { return lock.try_lock_sharable(); });
  return SharedLock(lock, boost::interprocess::accept_ownership);
}

bool try_lock_until(FileLock& lock, const OpContext& op, const std::function<bool()>& done) {
  bool locked = false;
  retry(op, [&] { return (locked = lock.try_lock()) || done(); });
  return locked;
}

}  // namespace basecache
