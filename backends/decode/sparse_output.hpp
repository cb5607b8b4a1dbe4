#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "agent/base/sector_sum.hpp"
#include "agent/base/write_behind.hpp"

namespace basecache::decode {

// The raw disk in the making: what isn't written reads as zeros, and blocks of zeros aren't written. Usable from
// several threads at once, for different places.
class SparseOutput {
 public:
  // `fd`, empty, stays the caller's; gets `size`. Error(no_space, storage_unusable) as the system says, here and later.
  SparseOutput(int fd, std::uint64_t size);

  // `sum`, the writing thread's own, is told of what is written.
  void write(std::span<const std::byte> bytes, std::uint64_t offset, SectorSum& sum);

 private:
  int fd_;
  WriteBehind behind_;
};

}  // namespace basecache::decode
