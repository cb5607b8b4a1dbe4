#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::http {

// The attempts at one request: which server is next, when, and when it is enough.
class Attempts {
 public:
  // `doing`: as of error_of(). `request`, `doing` and `op` must outlive this; `request` has at least one URL.
  Attempts(const HttpRequest& request, std::string_view doing, const RetryParameters& retry, const OpContext& op);

  const std::string& url() const { return request_.urls[server_]; }

  // After one has failed: true when it is time for the next attempt, at url(); false when there is none, or none before
  // the deadline. `advanced`: the failed one brought something that needn't be brought again.
  bool goes_on(const Fault& fault, bool advanced);
  // As of ApiResponse, when the current attempt is answered.
  unsigned sent() const { return sent_; }
  // One more at the same server, beyond those that goes_on() allows: it will be asked for something else.
  void add_one() { ++made_; }
  // What the last one's failure means for the caller.
  Error error(const Fault& fault) const { return error_of(fault, doing_, url(), made_); }

 private:
  bool may_go_on(const Fault& fault) const;
  std::optional<std::chrono::milliseconds> delay(const Fault& fault) const;

  const HttpRequest& request_;
  const std::string_view doing_;
  RetryParameters retry_;
  const OpContext& op_;
  std::size_t server_ = 0;
  unsigned made_ = 1;
  unsigned sent_ = 1;
  unsigned failures_ = 0;  // since something was brought
};

}  // namespace basecache::http
