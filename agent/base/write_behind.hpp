#pragma once

#include <atomic>

#include "agent/base/byte_size.hpp"

namespace basecache {

// Has a large file written to the disk while it still grows, so that its fsync has little left to do, and doesn't let
// it push everybody else's pages out of memory: the kernel alone would keep it there up to a large part of all memory.
// Usable from several threads at once.
class WriteBehind {
 public:
  // So much is being written while so much more is taken. Larger than a disk's queue, small beside any host's memory.
  static constexpr Bytes kWindow = mebibytes(32);

  enum class Pages {
    dropped,   // when they are on disk: nobody reads the file soon
    retained,  // somebody reads behind the writer, and drops them
  };

  // `fd` stays the caller's.
  explicit WriteBehind(int fd, Pages pages = Pages::dropped) : fd_(fd), pages_(pages) {}

  // `count` more bytes were written, wherever. Waits for the disk, now and then, when it falls behind by more than a
  // window; an fsync would have waited for it later. What the disk can't do the fsync reports.
  void wrote(Bytes count) noexcept;

 private:
  int fd_;
  Pages pages_;
  std::atomic<std::uint64_t> written_ = 0;
};

// Gives back the memory of what is on disk of the first `length` bytes; 0: of the whole file.
void drop_pages(int fd, Bytes length) noexcept;

}  // namespace basecache
