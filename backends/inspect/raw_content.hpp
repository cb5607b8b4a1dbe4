#pragma once

#include <optional>
#include <string_view>

#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// What a raw disk visibly holds: "an ISO 9660 or UDF file system", "a partition table", or nothing that we know, which
// is no fault. Told so that a file that is both this and an image of another format can be refused.
std::optional<std::string_view> raw_content(const ImageSample& sample);

}  // namespace basecache::inspect
