#pragma once

#include <string>
#include <string_view>

namespace basecache::glance {

// Everything but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);

// Of an image in version 2 of the API: "/v2/images/<id>".
std::string image_path(std::string_view image_id);

}  // namespace basecache::glance
