#include "agent/base/write_behind.hpp"

#include <fcntl.h>

namespace basecache {

void WriteBehind::wrote(Bytes count) noexcept {
  const std::uint64_t before = written_.fetch_add(count.count, std::memory_order_relaxed);
  if (before / kWindow.count == (before + count.count) / kWindow.count) return;
  // Of the whole file: the window before is waited for, this one begins. Unknown to a file system (FUSE), it is
  // nothing.
  (void)::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
  if (pages_ == Pages::dropped) drop_pages(fd_, Bytes{0});
}

void drop_pages(int fd, Bytes length) noexcept {
  (void)::posix_fadvise(fd, 0, static_cast<off_t>(length.count), POSIX_FADV_DONTNEED);
}

}  // namespace basecache
