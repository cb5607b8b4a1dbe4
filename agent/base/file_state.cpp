#include "agent/base/file_state.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {

FileState state_of(int fd, const Path& path) {
  struct stat found {};
  const int result = ::fstat(fd, &found);
  const int error = errno;
  if (result != 0) throw Error::from_errno(error, "look at " + quote(path.native()));
  return {.size = {static_cast<std::uint64_t>(found.st_size)},
          .modified = std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec,
          .is_regular = S_ISREG(found.st_mode)};
}

}  // namespace basecache
