#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/cloop.c: the shell script that mounts it is its magic.
bool is_cloop(const ImageSample& sample) { return begins_with(sample, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"); }

}  // namespace basecache::inspect
