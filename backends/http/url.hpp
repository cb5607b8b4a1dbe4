#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace basecache::http {

// The parts of a URL that decisions are made on.
struct Url {
  std::string scheme;  // lower case
  std::string host;    // lower case, no brackets, no final dot, numeric addresses in their usual spelling; "" for file
  std::string port;    // the scheme's own when the URL has none; "" for file
  std::string path;    // percent-decoded, dot segments as they came

  friend bool operator==(const Url&, const Url&) = default;
};

// Nothing for a text that isn't an absolute URL, or whose path hides control characters.
std::optional<Url> parse_url(std::string_view text);

// "a%20b" is "a b".
std::string percent_decoded(std::string_view text);

// Host names as they are compared: as in Url::host.
std::string normal_host(std::string_view host);

}  // namespace basecache::http
