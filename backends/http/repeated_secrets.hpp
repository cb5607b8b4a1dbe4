#pragma once

#include <string_view>
#include <vector>

#include "backends/http/fault.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// What a server was confided must not come back into answers and logs by its own words. (One that wants to tell the
// world has other ways; this is about those that echo requests.)

// Whether a secret header of the request stands in `text`, as it is or with JSON's \u escapes. Values of less than 8
// characters are nobody's tokens, and words that any answer may hold.
bool repeats_secret(const std::vector<HttpHeader>& headers, std::string_view text);

// Removes the headers that repeat a secret. A place that does is no place to go to.
void forget_secrets(ResponseHead& head, const std::vector<HttpHeader>& headers);
void forget_secrets(Fault& fault, const std::vector<HttpHeader>& headers);

}  // namespace basecache::http
