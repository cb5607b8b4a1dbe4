#include "agent/base/write_behind.hpp"

#include <fcntl.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache {
namespace {

// Of a file system that can't (FUSE): then the kernel writes when it likes.
bool is_unsupported(int error) { return error == ENOSYS || error == EINVAL || error == ESPIPE || error == EOPNOTSUPP; }

}  // namespace

void WriteBehind::wrote(Bytes count) {
  const std::uint64_t before = written_.fetch_add(count.count, std::memory_order_relaxed);
  if (before / kWindow.count == (before + count.count) / kWindow.count) return;
  // Of the whole file: the window before is waited for, this one begins.
  const int result = ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
  const int error = errno;
  if (result != 0 && !is_unsupported(error)) {
    throw Error::from_errno(error, "write " + quote(name_.native()) + " to the disk");
  }
  if (pages_ == Pages::dropped) drop_pages(fd_, Bytes{0});
}

void drop_pages(int fd, Bytes length) noexcept {
  (void)::posix_fadvise(fd, 0, static_cast<off_t>(length.count), POSIX_FADV_DONTNEED);
}

}  // namespace basecache
