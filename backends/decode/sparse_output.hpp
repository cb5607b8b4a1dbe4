#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace basecache::decode {

// The raw disk in the making: what isn't written reads as zeros, and blocks of zeros aren't written. Usable from
// several threads at once, for different places.
class SparseOutput {
 public:
  // `fd`, empty, stays the caller's; gets `size`. Error(no_space, storage_unusable) as the system says, here and later.
  SparseOutput(int fd, std::uint64_t size);

  void write(std::span<const std::byte> bytes, std::uint64_t offset);
  std::uint64_t written() const { return written_; }

 private:
  int fd_;
  std::atomic<std::uint64_t> written_ = 0;
};

}  // namespace basecache::decode
