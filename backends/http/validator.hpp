#pragma once

#include <string>

#include "backends/http/response_head.hpp"

namespace basecache::http {

// What tells the bytes of this answer from any others of the same URL, as If-Range takes it: a strong entity tag, else
// a time of modification that was old enough when it was told (RFC 9110, 8.8.2.2 and 13.1.5). "": nothing does.
std::string strong_validator(const ResponseHead& head);

}  // namespace basecache::http
