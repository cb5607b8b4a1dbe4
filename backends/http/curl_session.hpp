#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <variant>

#include "agent/base/op_context.hpp"
#include "backends/http/body_taker.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/http/response_head.hpp"
#include "backends/http/wire_request.hpp"

namespace basecache::http {

// Drives one transfer after the other and owns the connections that are kept between them. Used by one thread at a
// time.
class CurlSession {
 public:
  // `settings` must outlive the session.
  explicit CurlSession(const HttpSettings& settings);

  // One request, redirects not followed; a wanted body goes to `taker`. The head of the answer when it came (with the
  // whole of a wanted body), else the fault. Stops within milliseconds when `op` is cancelled or its deadline passes:
  // Cancelled, Error(timed_out). What the taker or the body to send throws passes through.
  std::variant<ResponseHead, Fault> exchange(const WireRequest& request, BodyTaker& taker, const OpContext& op);

 private:
  // Nothing when a kept connection failed in a way that tells nothing of the server.
  std::optional<std::variant<ResponseHead, Fault>> attempt(const WireRequest& request, BodyTaker& taker,
                                                           const OpContext& op);

  struct FreeMulti {
    void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
  };

  const HttpSettings& settings_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
};

}  // namespace basecache::http
