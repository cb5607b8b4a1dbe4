#pragma once

#include <string_view>

#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// Whether the image begins with `magic`, or ends inside it: a cut-off file of a known format isn't raw bytes. (A single
// byte is no sign of anything.)
bool begins_with(const ImageSample& sample, std::string_view magic);

}  // namespace basecache::inspect
