#pragma once

#include <curl/curl.h>

#include <memory>
#include <span>
#include <string>
#include <variant>

#include "agent/base/op_context.hpp"
#include "backends/http/address_policy.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/http/image_intake.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// Drives one transfer after the other and owns the connections that are kept between them. Used by one thread at a
// time.
class CurlSession {
 public:
  // `settings` must outlive the session.
  explicit CurlSession(const HttpSettings& settings);

  // One GET of `url`, redirects not followed; the body of a 200 goes to `intake`. The head of the answer when it came
  // (whole, for a 200), else the fault. Stops within milliseconds when `op` is cancelled or its deadline passes:
  // Cancelled, Error(timed_out). What the intake throws passes through.
  std::variant<ResponseHead, Fault> get(const std::string& url, std::span<const HttpHeader> headers,
                                        const HostTrust& trust, ImageIntake& intake, const OpContext& op);

 private:
  struct FreeMulti {
    void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
  };

  const HttpSettings& settings_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
};

}  // namespace basecache::http
