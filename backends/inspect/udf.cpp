#include <cstdint>

#include "backends/inspect/raw_content.hpp"

namespace basecache::inspect {

// ECMA-167 2/9.1: somewhere in the volume recognition sequence, which begins in sector 16 as ISO 9660's does and may
// follow it, a descriptor says NSR02 or NSR03; BEA01 opens the extended area that it is in.
bool has_udf(const ImageSample& sample) {
  const ByteReader head(sample.head(), ByteOrder::little, "the disc");
  constexpr std::uint64_t kSector = 2048;
  for (std::uint64_t at = 16 * kSector + 1; at < 32 * kSector; at += kSector) {
    if (head.holds(at, "NSR02") || head.holds(at, "NSR03") || head.holds(at, "BEA01")) return true;
    if (!head.holds(at, "CD001")) return false;
  }
  return false;
}

}  // namespace basecache::inspect
