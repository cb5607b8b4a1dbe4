#pragma once

#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"

namespace basecache::http {

// What stands before the body of an answer.
struct ResponseHead {
  int status = 0;                // 0: there was no answer
  std::optional<Bytes> length;   // Content-Length; absent for a chunked body and one that ends with the connection
  std::string content_type;      // as it came, without parameters
  std::string content_encoding;  // as it came; "" and "identity" are the bytes themselves
  std::string retry_after;
  std::string location;  // where a 3xx leads, made absolute; "" when it leads nowhere
};

}  // namespace basecache::http
