#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// Both versions: LUKS1 by its specification (1.2.3), LUKS2 by its own, where the second header has another magic.
bool is_luks(const ImageSample& sample) { return begins_with(sample, "LUKS\xba\xbe"); }

}  // namespace basecache::inspect
