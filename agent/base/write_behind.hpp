#pragma once

#include <atomic>
#include <utility>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

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
    retained,  // somebody reads behind the writer
  };

  // `fd` stays the caller's; `name` is for errors.
  WriteBehind(int fd, Path name, Pages pages = Pages::dropped) : fd_(fd), name_(std::move(name)), pages_(pages) {}

  // `count` more bytes were written, wherever. Waits for the disk, now and then, when it falls behind by more than a
  // window; an fsync would have waited for it later. Error when the disk has lost bytes: the kernel tells each opened
  // file once, so an fsync behind it would know nothing of them.
  void wrote(Bytes count);

 private:
  int fd_;
  Path name_;
  Pages pages_;
  std::atomic<std::uint64_t> written_ = 0;
};

// Gives back the memory of what is on disk of the first `length` bytes; 0: of the whole file.
void drop_pages(int fd, Bytes length) noexcept;

}  // namespace basecache
