#include "backends/http/url.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "agent/base/text.hpp"

namespace basecache::http {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { ::curl_free(text); }
};
using UrlHandle = std::unique_ptr<CURLU, FreeUrl>;

std::optional<std::string> part(const UrlHandle& url, CURLUPart which, unsigned flags) {
  char* text = nullptr;
  if (::curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, FreeText> owner(text);
  return std::string(text);
}

}  // namespace

std::string normal_host(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return lower_case(host);
}

std::string percent_decoded(std::string_view text) {
  int length = 0;
  const std::unique_ptr<char, FreeText> plain(
      ::curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length));
  // libcurl takes a length of 0 for "ask strlen".
  return plain && !text.empty() ? std::string(plain.get(), static_cast<std::size_t>(length)) : std::string();
}

std::optional<Url> parse_url(std::string_view text) {
  const UrlHandle handle(::curl_url());
  // Schemes we don't speak must still parse: a redirect to one is refused by its name.
  constexpr unsigned flags = CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME;
  if (!handle || ::curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), flags) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto scheme = part(handle, CURLUPART_SCHEME, 0);
  const auto path = part(handle, CURLUPART_PATH, CURLU_URLDECODE);
  if (!scheme || !path) return std::nullopt;
  Url url{.scheme = normal_host(*scheme),
          .host = normal_host(part(handle, CURLUPART_HOST, 0).value_or("")),
          .port = {},
          .path = *path};
  if (!url.host.empty()) url.port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
  return url;
}

}  // namespace basecache::http
