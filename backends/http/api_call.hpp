#pragma once

#include <string>
#include <string_view>

#include "backends/http/http_request.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

enum class Method { get, head, post, put, patch, remove };

// As it stands in a request line: "GET", ..., "DELETE".
std::string_view name_of(Method method);

// A request whose answer is small and read whole (JSON, mostly).
struct ApiCall {
  HttpRequest request;
  Method method = Method::get;
  std::string body = {};          // "" for none
  std::string content_type = {};  // of the body
  // Whether the server may be asked twice when its answer was lost or says "later". Reading always may.
  bool repeatable = false;
};

// The last answer, whatever its status.
struct ApiResponse {
  ResponseHead head;
  std::string body;
  std::string url;  // which of the request's URLs answered
  // How often a server was sent the request until this answer came. More than once: what it asks for may have been done
  // before, with an answer that was lost.
  unsigned sent = 1;
};

}  // namespace basecache::http
