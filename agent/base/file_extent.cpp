#include "agent/base/file_extent.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {

std::optional<FileExtent> next_extent(int fd, std::uint64_t from, Bytes size, const Path& path) {
  if (from >= size.count) return std::nullopt;
  const off_t begin = ::lseek(fd, static_cast<off_t>(from), SEEK_DATA);
  int error = errno;
  if (begin < 0 && error == ENXIO) return std::nullopt;
  if (begin < 0 && error == EINVAL) return FileExtent{from, size.count};  // a file system that knows no holes
  if (begin < 0) throw Error::from_errno(error, "find the data in " + quote(path.native()));
  const off_t end = ::lseek(fd, begin, SEEK_HOLE);
  error = errno;
  if (end < 0) throw Error::from_errno(error, "find the holes in " + quote(path.native()));
  if (static_cast<std::uint64_t>(begin) >= size.count) return std::nullopt;
  return FileExtent{static_cast<std::uint64_t>(begin), std::min(static_cast<std::uint64_t>(end), size.count)};
}

}  // namespace basecache
