#pragma once

#include <map>
#include <string>

#include "backends/glance/glance_image.hpp"

namespace basecache::glance {

// Version 1 of the image API knows fewer members than version 2: a checksum is always md5, and "is_public" is all there
// is of visibility. Errors as of parse_image().

// The headers "x-image-meta-<member>" and "x-image-meta-property-<name>"; names in lower case.
GlanceImage parse_v1_headers(const std::map<std::string, std::string>& headers);

// The old registry's own answer: {"image": {...}}.
GlanceImage parse_v1_record(const std::string& answer);

}  // namespace basecache::glance
