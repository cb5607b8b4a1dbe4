#pragma once

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include "backends/guest/changed_pages.hpp"
#include "backends/guest/partitions.hpp"

namespace basecache::guest {

// libext2fs's way to a partition of a disk that is changed in memory. One at a time in a thread: the library's open()
// takes a name and nothing else, so what is meant waits here for it.
class PageIo {
 public:
  // All of it must outlive the file system that is opened with callbacks().
  PageIo(ChangedPages& pages, const Partition& partition);
  PageIo(const PageIo&) = delete;
  PageIo& operator=(const PageIo&) = delete;
  ~PageIo();

  static io_manager callbacks();

  // Fills or takes the bytes at that place of the partition. Errors as ChangedPages; beyond the partition too.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  std::uint64_t place(std::uint64_t offset, std::size_t length) const;

  ChangedPages& pages_;
  const Partition partition_;
};

}  // namespace basecache::guest
