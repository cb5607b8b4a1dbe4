#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/image.hpp"

namespace basecache::glance {

// Which image, and who is asked for it.
struct ImageAddress {
  std::string server;  // base URL without "/v2"; "": our own servers
  std::string id;      // UUID in lower case

  friend bool operator==(const ImageAddress&, const ImageAddress&) = default;
};

// As of GlanceCall::servers.
std::vector<std::string> servers_of(const ImageAddress& image);

// Nova's way to name an image of any Glance: "http(s)://host[:port][/prefix]/v2/images/<uuid>". Nothing for every other
// text, and for a URL with credentials or a query: those are URLs of files.
std::optional<ImageAddress> parse_href(std::string_view text);

// Error(invalid_request) for a ref that is neither a UUID nor such a href.
ImageAddress address_of(const model::ImageRef& ref);

// Whether `server` is one of `known`, which get our tokens: the same scheme, host, port and path.
bool is_one_of(std::string_view server, std::span<const std::string> known);

}  // namespace basecache::glance
