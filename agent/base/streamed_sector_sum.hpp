#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "agent/base/sector_sum.hpp"

namespace basecache {

// The SectorSum of a file that comes from its beginning, in pieces of any size.
class StreamedSectorSum {
 public:
  void add(std::span<const std::byte> bytes);
  // After the last byte.
  SectorSum finish();

 private:
  SectorSum sum_;
  std::uint64_t offset_ = 0;  // of the sector that isn't whole yet
  std::size_t held_ = 0;
  std::array<std::byte, SectorSum::kSector> sector_{};
};

}  // namespace basecache
