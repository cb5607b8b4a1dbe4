#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "backends/http/http_client.hpp"
#include "backends/keystone/auth_options.hpp"
#include "backends/keystone/token.hpp"

namespace basecache::keystone {

// How long before its end a token is no longer handed out, so that none expires on its way to a service: a minute, of
// a short token a quarter of its life.
std::chrono::seconds renewal_margin(std::chrono::seconds life);

// Authenticates with one set of credentials and keeps the token. Serves any number of threads: one request to Keystone
// at a time, whose token or failure is the answer for all who waited for it. Failures are not kept: who comes later
// asks again (the client has waited between its own attempts already).
class Identity {
 public:
  using Clock = std::chrono::steady_clock;

  // Error(invalid_request) as of check_complete(). `client` must outlive this. `now` is for tests.
  Identity(http::HttpClient& client, AuthOptions options, std::function<Clock::time_point()> now = Clock::now);

  // A token that is valid for a while yet. With auth_type none its id and catalog are empty.
  // Error(source_unauthorized) when Keystone refuses us, source_unavailable, timed_out; Cancelled.
  std::shared_ptr<const Token> token(const OpContext& op);

  // A service has refused that token: the next token() is a new one, unless somebody has already seen to that. To be
  // called once for a request: a service that refuses two tokens means it.
  void invalidate(const Secret& id);

 private:
  struct Request;

  // What came of waiting for another thread's request; nothing when that thread gave up for reasons of its own, or this
  // one can't wait any longer.
  std::shared_ptr<const Token> join(std::shared_ptr<const Request> request, std::unique_lock<std::mutex>& guard,
                                    const OpContext& op);
  std::shared_ptr<const Token> request_token(std::unique_lock<std::mutex>& guard, const OpContext& op);
  Token ask(const OpContext& op) const;

  http::HttpClient& client_;
  const AuthOptions options_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::condition_variable_any answered_;
  std::shared_ptr<Request> request_;  // under way
  std::shared_ptr<const Token> token_;
  Clock::time_point use_until_;  // of token_
};

}  // namespace basecache::keystone
