#include "backends/glance/api_path.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::glance {
namespace {

bool is_unreserved(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string path_segment(std::string_view name) {
  if (!name.empty() && name != "." && name != "..") return percent_encode(name);
  throw Error(ErrorCode::invalid_request, quote(name) + " names nothing at a server")
      .set_hint("name it in full: an image by its id");
}

std::string image_path(std::string_view image_id) { return "/v2/images/" + path_segment(image_id); }

}  // namespace basecache::glance
