#include "backends/http/redirect_route.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::http {
namespace {

bool is_spoken(const Url& url) { return (url.scheme == "http" || url.scheme == "https") && !url.host.empty(); }

Url parse_asked(const std::string& text) {
  if (const auto url = parse_url(text); url && is_spoken(*url)) return *url;
  throw Error(ErrorCode::invalid_request, quote(redact_url(text)) + " is not a URL of http or https");
}

}  // namespace

RedirectRoute::RedirectRoute(const std::string& url, std::span<const std::string> listed_hosts, bool named_by_server)
    : listed_hosts_(listed_hosts),
      url_(url),
      first_(parse_asked(url)),
      current_(first_),
      named_by_server_(named_by_server) {}

HostTrust RedirectRoute::trust() const {
  return {.redirected = named_by_server_ || redirects_ > 0,
          .asked_for = !named_by_server_ && current_.host == first_.host,
          .listed = std::ranges::find(listed_hosts_, current_.host) != listed_hosts_.end()};
}

bool RedirectRoute::at_first_server() const {
  return current_.scheme == first_.scheme && current_.host == first_.host && current_.port == first_.port;
}

std::optional<Fault> RedirectRoute::follow(const std::string& location) {
  const std::string shown = quote(redact_url(location));
  if (++redirects_ > kMostRedirects) {
    return Fault{.kind = FaultKind::redirect_loop,
                 .reason = fmt::format("more than {} redirects, the last one to {}", kMostRedirects, shown)};
  }
  const auto next = parse_url(location);
  if (!next || !is_spoken(*next)) {
    return Fault{.kind = FaultKind::forbidden_redirect,
                 .reason = fmt::format("the server redirects to {}, which is neither http nor https", shown)};
  }
  if (current_.scheme == "https" && next->scheme != "https") {
    return Fault{.kind = FaultKind::forbidden_redirect,
                 .reason = fmt::format("the server redirects from https to {}", shown)};
  }
  current_ = *next;
  url_ = location;
  return std::nullopt;
}

}  // namespace basecache::http
