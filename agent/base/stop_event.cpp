#include "agent/base/stop_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "agent/base/error.hpp"

namespace basecache {

StopEvent::StopEvent(std::stop_token token) : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const int error = errno;
  if (!fd_) throw Error::from_errno(error, "make an event descriptor");
  callback_.emplace(std::move(token), [fd = fd_.get()] {
    const std::uint64_t one = 1;
    (void)!::write(fd, &one, sizeof one);
  });
}

}  // namespace basecache
