#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {
namespace {

// The second header of a LUKS2, by which a damaged first one is repaired: behind the first, which has 16 KiB to 4 MiB.
// It says where it stands; in a partition of a raw disk that is counted from there.
bool has_second_header(const ImageSample& sample) {
  for (std::uint64_t offset = kibibytes(16).count; offset <= mebibytes(4).count; offset *= 2) {
    const ByteReader header(sample.sector(offset), ByteOrder::big, "the second LUKS2 header");
    if (!header.holds(0, "SKUL\xba\xbe")) continue;
    if (!header.has(256, 8) || header.u64(256) == offset) return true;
  }
  return false;
}

}  // namespace

// Both versions: LUKS1 by its specification (1.2.3), LUKS2 by its own (1.1.2).
bool is_luks(const ImageSample& sample) { return begins_with(sample, "LUKS\xba\xbe") || has_second_header(sample); }

}  // namespace basecache::inspect
