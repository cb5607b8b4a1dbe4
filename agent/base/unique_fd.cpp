#include "agent/base/unique_fd.hpp"

#include <unistd.h>

#include <cerrno>

namespace basecache {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void UniqueFd::reset() noexcept {
  if (fd_ < 0) return;
  const int saved = errno;  // destructors run between a failure and the reading of its errno
  ::close(std::exchange(fd_, -1));
  errno = saved;
}

}  // namespace basecache
