#pragma once

#include <string>
#include <string_view>

namespace basecache::glance {

// Everything but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);

// One name between two slashes of a path, encoded. Error(invalid_request) for "", "." and "..": they lead elsewhere, to
// the image instead of its tag.
std::string path_segment(std::string_view name);

// Of an image in version 2 of the API: "/v2/images/<id>". Error as of path_segment().
std::string image_path(std::string_view image_id);

}  // namespace basecache::glance
