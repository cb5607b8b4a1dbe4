#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::http {

// What stands before the body of an answer.
struct ResponseHead {
  int status = 0;               // 0: there was no answer
  std::optional<Bytes> length;  // Content-Length; absent for a chunked body and one that ends with the connection
  std::string location;         // where a 3xx leads, made absolute; "" when it leads nowhere
  // Names in lower case; values of one name that differ are one list ("a, b"), in their order (RFC 9110, 5.3).
  std::map<std::string, std::string> headers;

  // "" when there is none. `name` in lower case.
  const std::string& header(std::string_view name) const;
};

}  // namespace basecache::http
