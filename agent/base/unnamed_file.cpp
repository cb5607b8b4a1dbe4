#include "agent/base/unnamed_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

// Where the file system knows no unnamed files (NFS).
UniqueFd unlinked_file(const Path& directory) {
  std::string name = (directory / ".basecache.XXXXXX").native();
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  const int error = errno;
  if (!fd) throw Error::from_errno(error, "make a file in " + quote(directory.native()));
  ::unlink(name.c_str());
  return fd;
}

}  // namespace

UniqueFd unnamed_file(const Path& directory) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return fd ? std::move(fd) : unlinked_file(directory);
}

bool takes_direct_io(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
}

}  // namespace basecache
