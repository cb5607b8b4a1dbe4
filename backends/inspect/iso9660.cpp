#include "backends/inspect/raw_content.hpp"

namespace basecache::inspect {

// ECMA-119 8.1: the first volume descriptor is in sector 16, its identifier behind its type.
bool has_iso9660(const ImageSample& sample) {
  return ByteReader(sample.head(), ByteOrder::little, "the disc").holds(32'769, "CD001");
}

}  // namespace basecache::inspect
