#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/bochs.c
bool is_bochs(const ImageSample& sample) { return begins_with(sample, "Bochs Virtual HD Image"); }

}  // namespace basecache::inspect
