#include "backends/glance/image_href.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/url.hpp"

namespace basecache::glance {
namespace {

constexpr std::string_view kImages = "/v2/images/";
constexpr std::size_t kUuidLength = 36;

std::optional<http::Url> comparable(std::string_view server) {
  auto url = http::parse_url(server);
  if (url) url->path.erase(url->path.find_last_not_of('/') + 1);
  return url;
}

}  // namespace

std::vector<std::string> servers_of(const ImageAddress& image) {
  return image.server.empty() ? std::vector<std::string>{} : std::vector{image.server};
}

std::optional<ImageAddress> parse_href(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return std::nullopt;
  if (text.find_first_of("?#@") != std::string_view::npos) return std::nullopt;
  if (text.size() < kImages.size() + kUuidLength) return std::nullopt;
  const std::string id = lower_case(text.substr(text.size() - kUuidLength));
  const std::string_view rest = text.substr(0, text.size() - kUuidLength);
  if (!is_uuid(id) || !rest.ends_with(kImages)) return std::nullopt;
  const std::string_view server = rest.substr(0, rest.size() - kImages.size());
  const auto url = http::parse_url(server);
  if (!url || url->host.empty()) return std::nullopt;
  return ImageAddress{.server = std::string(server), .id = id};
}

ImageAddress address_of(const model::ImageRef& ref) {
  if (ref.kind() == model::ImageRef::Kind::registry_id) return {.server = {}, .id = lower_case(ref.text())};
  if (auto address = parse_href(ref.text())) return *std::move(address);
  throw Error(ErrorCode::invalid_request, "image ref " + quote(ref.shown()) + " names no image of a registry")
      .set_hint("name the image's UUID, or http(s)://SERVER/v2/images/UUID")
      .add_field("field", "image_ref");
}

bool is_one_of(std::string_view server, std::span<const std::string> known) {
  const auto asked = comparable(server);
  return asked && std::ranges::any_of(known, [&](const std::string& one) { return comparable(one) == asked; });
}

}  // namespace basecache::glance
