#include "agent/model/image.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

constexpr std::size_t kLongestRef = 2048;

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

bool has_dot_dot(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.find("/../") != std::string_view::npos;
}

std::string why_not_url(std::string_view text) {
  if (text.starts_with("file://")) {
    const std::string_view path = text.substr(7);
    if (!path.starts_with('/')) return "a file URL has three slashes: file:///path";
    if (has_dot_dot(path)) return "a file URL has no '..' in it";
    return path.size() > 1 ? "" : "a file URL names a file";
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view host = text.substr(scheme.size(), text.find('/', scheme.size()) - scheme.size());
    return host.empty() ? "the URL has no host" : "";
  }
  return "neither the UUID of an image nor a file://, http:// or https:// URL";
}

Error bad_ref(std::string_view field, std::string_view text, std::string_view why) {
  return Error(ErrorCode::invalid_request, fmt::format("{}: {}: {}", field, quote(redact_url(text)), why))
      .add_field("field", std::string(field));
}

}  // namespace

ImageRef ImageRef::parse(std::string_view text, std::string_view field) {
  if (text.empty()) throw bad_ref(field, text, "is empty");
  if (text.size() > kLongestRef) {
    throw bad_ref(field, text.substr(0, 80), fmt::format("is longer than {} bytes", kLongestRef));
  }
  if (has_control_bytes(text)) throw bad_ref(field, text, "has blanks or control characters in it");
  if (is_uuid(lower_case(text))) return ImageRef(Kind::registry_id, std::string(text));
  if (const std::string why = why_not_url(text); !why.empty()) throw bad_ref(field, text, why);
  return ImageRef(Kind::url, std::string(text));
}

std::string ImageRef::shown() const { return kind_ == Kind::url ? redact_url(text_) : text_; }

}  // namespace basecache::model
