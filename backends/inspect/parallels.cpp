#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/parallels.c: the second one has clusters that are not counted in sectors.
bool is_parallels(const ImageSample& sample) {
  return begins_with(sample, "WithoutFreeSpace") || begins_with(sample, "WithouFreSpacExt");
}

}  // namespace basecache::inspect
