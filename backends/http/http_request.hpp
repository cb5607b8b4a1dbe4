#pragma once

#include <string>
#include <vector>

namespace basecache::http {

struct HttpHeader {
  std::string name;
  std::string value;
  bool secret = false;  // sent to the server that was named and to no other, never shown
};

// What is asked for. The URL may carry credentials: it is shown through redact_url() only.
struct HttpRequest {
  std::string url;
  std::vector<HttpHeader> headers;
};

}  // namespace basecache::http
