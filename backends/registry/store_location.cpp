#include "backends/registry/store_location.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/url.hpp"

namespace basecache::registry {
namespace {

constexpr std::array<std::pair<std::string_view, LocationWay>, 10> kWays{{{"file", LocationWay::file},
                                                                          {"filesystem", LocationWay::file},
                                                                          {"http", LocationWay::http},
                                                                          {"https", LocationWay::http},
                                                                          {"s3", LocationWay::s3},
                                                                          {"s3+http", LocationWay::s3},
                                                                          {"s3+https", LocationWay::s3},
                                                                          {"swift", LocationWay::swift},
                                                                          {"swift+http", LocationWay::swift},
                                                                          {"swift+https", LocationWay::swift}}};

Error misshapen(std::string_view location) {
  return Error(ErrorCode::source_unavailable,
               "location " + quote(redact_url(location)) + " doesn't name a host, a container and an object")
      .set_hint("look at the image's locations at its registry");
}

// Cuts what follows the last `mark` off `text`; "" and `text` as it was without one.
std::string_view cut_last(std::string_view& text, char mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view last = text.substr(at + 1);
  text = text.substr(0, at);
  return last;
}

StoreLocation parse(std::string_view location, std::string_view transport) {
  std::string_view rest = location.substr(std::min(location.find("://") + 3, location.size()));
  StoreLocation store;
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    // A user may be "project:name"; a key has no colon.
    std::string_view credentials = rest.substr(0, at);
    const std::string_view key = cut_last(credentials, ':');
    if (key.empty() || credentials.empty()) throw misshapen(location);
    store.user = std::string(credentials);
    store.key = Secret(std::string(key));
    rest.remove_prefix(at + 1);
  }
  store.object = cut_last(rest, '/');
  store.container = cut_last(rest, '/');
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || store.container.empty() || store.object.empty()) throw misshapen(location);
  store.url = std::string(transport) + "://" + std::string(rest);
  return store;
}

}  // namespace

std::string scheme_of(std::string_view url) {
  const std::size_t end = url.find("://");
  return end == std::string_view::npos ? std::string() : lower_case(url.substr(0, end));
}

LocationWay way_of(std::string_view scheme) {
  for (const auto& [name, way] : kWays) {
    if (name == scheme) return way;
  }
  return LocationWay::none;
}

// glance_store speaks https only where the scheme says so.
StoreLocation parse_s3(std::string_view location) {
  return parse(location, scheme_of(location) == "s3+https" ? "https" : "http");
}

// Here "swift" alone means https.
StoreLocation parse_swift(std::string_view location) {
  StoreLocation store = parse(location, scheme_of(location) == "swift+http" ? "http" : "https");
  store.user = http::percent_decoded(store.user);
  store.key = Secret(http::percent_decoded(store.key.reveal()));
  return store;
}

// "s3.<region>", "s3-<region>", "s3.dualstack.<region>" and "s3", with a bucket in front or none.
std::string region_of(std::string_view url, std::string_view otherwise) {
  const auto parts = http::parse_url(url);
  std::string_view host = parts ? std::string_view(parts->host) : std::string_view();
  constexpr std::string_view amazon = ".amazonaws.com";
  if (!host.ends_with(amazon)) return std::string(otherwise);
  host.remove_suffix(amazon.size());
  const std::string_view last = cut_last(host, '.');
  const std::string_view region = last.empty() ? host : last;
  if (region == "s3") return "us-east-1";  // "s3.amazonaws.com"
  return std::string(region.starts_with("s3-") ? region.substr(3) : region);
}

}  // namespace basecache::registry
