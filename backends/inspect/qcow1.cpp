#include "backends/inspect/magic.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// block/qcow.c: version 2 and 3 of the same magic are qcow2.
bool is_qcow1(const ImageSample& sample) {
  return sample.length() >= 8 && begins_with(sample, std::string_view("QFI\xfb\0\0\0\1", 8));
}

}  // namespace basecache::inspect
