#pragma once

#include <optional>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::http {

// Which bytes a 206 brings (RFC 9110, 14.4).
struct ContentRange {
  Bytes first;
  Bytes last;                  // inclusive
  std::optional<Bytes> whole;  // of the whole body; absent: the server doesn't know ("*")

  friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

// "bytes 5-9/10". Nothing for anything else: another unit, no order, a whole that ends before its part does.
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace basecache::http
