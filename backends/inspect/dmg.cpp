#include <algorithm>
#include <cstdint>
#include <string_view>

#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/dmg.c: its only header is a trailer of 512 bytes. QEMU rounds the file's length up to a sector and looks for
// the magic in the 515 bytes from 1023 before that.
bool is_dmg(const ImageSample& sample) {
  constexpr std::uint64_t kSector = 512;
  constexpr std::uint64_t kSearched = 515;
  const ByteReader tail(sample.tail(), ByteOrder::big, "the dmg trailer");
  const std::uint64_t before_tail = sample.length() - tail.size();
  const std::uint64_t rounded = (sample.length() + kSector - 1) / kSector * kSector;
  const std::uint64_t first = std::max(before_tail, rounded - std::min(rounded, 2 * kSector - 1)) - before_tail;
  if (first >= tail.size()) return false;
  const std::string_view searched = tail.text(first, std::min(kSearched, tail.size() - first));
  return searched.find("koly") != std::string_view::npos;
}

}  // namespace basecache::inspect
