#pragma once

#include <cstdint>

namespace basecache::inspect {

// A stretch of the image, in bytes.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Whether they share a byte; true for one that is empty inside the other.
inline bool overlap(ByteRange a, ByteRange b) {
  return a.offset < b.offset ? b.offset - a.offset < a.length : a.offset - b.offset < b.length;
}

}  // namespace basecache::inspect
