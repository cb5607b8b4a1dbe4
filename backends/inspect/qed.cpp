#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/qed.h: the magic is a number, and its last byte a zero.
bool is_qed(const ImageSample& sample) { return begins_with(sample, std::string_view("QED\0", 4)); }

}  // namespace basecache::inspect
