#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace basecache::guest {

// What a guest would read of its disk: the bytes of a file, and zeros behind it.
class DiskView {
 public:
  // `fd` stays the caller's and must outlive this. `size`: of the guest's disk.
  DiskView(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  std::uint64_t size() const { return size_; }
  // Fills `out`; zeros for what is behind the file's end. Error(storage_unusable) when it can't be read, or reaches
  // beyond the disk.
  void read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  int fd_;
  std::uint64_t size_;
};

}  // namespace basecache::guest
