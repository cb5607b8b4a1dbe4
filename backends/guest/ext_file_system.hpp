#pragma once

#include <string_view>

#include "backends/guest/page_io.hpp"

namespace basecache::guest {

// An ext2/3/4 file system of a guest, open for changes that stay in memory until commit().
class ExtFileSystem {
 public:
  // UnsupportedFileSystem when it is none, needs its journal replayed, has errors, or features that libext2fs can't
  // keep right (quota, bigalloc, multi-mount protection ...). Error(image_unacceptable) when it is broken.
  ExtFileSystem(ChangedPages& pages, const Partition& partition);
  ExtFileSystem(const ExtFileSystem&) = delete;
  ExtFileSystem& operator=(const ExtFileSystem&) = delete;
  ~ExtFileSystem();  // changes since commit() are lost but for what stands in `pages`

  ext2_filsys handle() const { return handle_; }
  // All changes are in the pages now; the file system is closed.
  void commit();

 private:
  PageIo io_;
  ext2_filsys handle_ = nullptr;
};

// Error(image_unacceptable) "cannot <doing> in the guest: ..." for a code of libext2fs's that isn't 0.
void require(errcode_t code, std::string_view doing);

}  // namespace basecache::guest
