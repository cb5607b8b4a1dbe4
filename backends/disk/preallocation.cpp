#include "backends/disk/preallocation.hpp"

#include <fcntl.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::disk {

void preallocate(Preallocation preallocation, const Path& file, Bytes size) {
  if (preallocation == Preallocation::none || size.count == 0) return;
  const UniqueFd fd = open_file(file, O_RDWR | O_NOFOLLOW);
  // Not posix_fallocate: where the file system can't reserve, that one writes to every block.
  while (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size.count)) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EOPNOTSUPP || error == ENOSYS) return;
    throw Error::from_errno(error, "reserve " + to_text(size) + " for " + quote(file.native()));
  }
}

}  // namespace basecache::disk
