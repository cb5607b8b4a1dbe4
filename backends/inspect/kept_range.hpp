#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/inspect/byte_range.hpp"

namespace basecache::inspect {

// Keeps one range of what passes by.
class KeptRange {
 public:
  explicit KeptRange(ByteRange wanted) : wanted_(wanted) {}

  // Bytes that stand at `position`. Each byte of the range has to come after those before it.
  void feed(std::span<const std::byte> bytes, std::uint64_t position);

  std::uint64_t offset() const { return wanted_.offset; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  ByteRange wanted_;
  std::vector<std::byte> bytes_;
};

}  // namespace basecache::inspect
