#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "backends/http/api_call.hpp"

namespace basecache::glance {

// Why the server refuses, in its own words without markup, at most a line: from JSON with a message, or the page that
// Glance and the proxies in front of it send. "" when there are none.
std::string reason_in(std::string_view body);

// The answer isn't what was wanted. `doing` completes "cannot ...": "show image 'x'"; `server` is named as it is.
// 400 and 413 are invalid_request, 409 in_use, 401 and 403 source_unauthorized, 404 and 410 image_not_found, all others
// source_unavailable. Has the field "status".
Error error_of(const http::ApiResponse& answer, std::string_view doing, std::string_view server);

// Whether the Error is that of an answer with that status: from error_of(), here or in http.
bool has_status(const Error& error, int status);

// Bytes of an answer's text, far beyond what a record needs and a page of a hundred of them.
inline constexpr std::size_t kLongestRecord = 1024 * 1024;
inline constexpr std::size_t kLongestList = 8 * kLongestRecord;

// As model::parse_json(), for what a server sent: its fault, also when it is longer than `longest`.
nlohmann::json parse_answer(const std::string& body, std::string_view what, std::size_t longest = kLongestRecord);

// The Error of what isn't as a server should have sent it. `error` is that of the reader.
Error misspoken(const Error& error, std::string_view what);

// Runs `read`; what it finds wrong is the server's fault, not that of our caller.
template <class Read>
auto reading_answer(std::string_view what, Read&& read) {
  try {
    return std::forward<Read>(read)();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_request) throw;
    throw misspoken(error, what);
  }
}

}  // namespace basecache::glance
