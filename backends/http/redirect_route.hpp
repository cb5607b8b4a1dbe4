#pragma once

#include <optional>
#include <span>
#include <string>

#include "backends/http/address_policy.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/url.hpp"

namespace basecache::http {

// The way from the URL a caller named to the one that serves the body. Pure: decides, connects to nothing.
class RedirectRoute {
 public:
  // curl's own tools follow 50; five are enough for any mirror and end a loop quickly.
  static constexpr unsigned kMostRedirects = 5;

  // `listed_hosts`: url_hosts, as normal_host() spells them; must outlive the route. Nothing but http and https may be
  // asked for: Error(invalid_request). `named_by_server`: as of HttpRequest.
  RedirectRoute(const std::string& url, std::span<const std::string> listed_hosts, bool named_by_server = false);

  const std::string& url() const { return url_; }
  HostTrust trust() const;
  bool is_redirected() const { return redirects_ > 0; }
  // Still the very server the caller named (scheme, host and port): the only one that gets the caller's secrets.
  bool at_first_server() const;

  // One redirect on, to the absolute URL `location`; a fault when it may not be followed.
  std::optional<Fault> follow(const std::string& location);

 private:
  std::span<const std::string> listed_hosts_;
  std::string url_;
  Url first_;
  Url current_;
  bool named_by_server_;
  unsigned redirects_ = 0;
};

}  // namespace basecache::http
