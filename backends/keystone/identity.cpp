#include "backends/keystone/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/text.hpp"
#include "backends/keystone/token_request.hpp"

namespace basecache::keystone {
namespace {

std::string keystone_at(const AuthOptions& options) { return "Keystone at " + quote(redact_url(options.auth_url)); }

// JSON is UTF-8; what isn't must not show up in nlohmann's message about it.
std::string body_of(const AuthOptions& options) {
  try {
    return token_request(options).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::invalid_request,
                fmt::format("cannot authenticate at {}: an option isn't text in UTF-8", keystone_at(options)))
        .set_hint("write the options in " + options.origin + " in UTF-8");
  }
}

http::ApiCall call_for(const AuthOptions& options) {
  std::string body = body_of(options);  // beforehand: g++ 12 destroys members twice when a later initialiser throws
  return {.request = {.urls = {tokens_url(options.auth_url)},
                      .headers = {{.name = "Accept", .value = "application/json"}},
                      .tls = {.authorities = options.cafile, .certificate = options.certfile, .key = options.keyfile},
                      .named_by_server = options.named_by_server,
                      .retries = options.retries},
          .method = http::Method::post,
          .body = std::move(body),
          .content_type = "application/json",
          .repeatable = true};  // a token nobody got simply expires
}

Error refused(const AuthOptions& options) {
  Error error(ErrorCode::source_unauthorized, fmt::format("{} refuses {}", keystone_at(options), describe(options)));
  if (method_of(options) != AuthMethod::token) {
    return error.set_hint("check the credentials, their domains and the project in " + options.origin);
  }
  return error.add_context("a token can't be renewed once it has expired or is revoked")
      .set_hint(fmt::format("set a new token in {}, or authenticate with a password or an application credential",
                            options.origin));
}

Error misunderstood(const AuthOptions& options, const std::string& why) {
  return Error(ErrorCode::source_unavailable, fmt::format("{} gives no token: {}", keystone_at(options), why))
      .set_hint("check that auth_url in " + options.origin + " is Keystone's, and Keystone's log");
}

bool is_refusal(const http::ResponseHead& head, const AuthOptions& options) {
  if (head.status == 401 || head.status == 403) return true;
  // Keystone doesn't find a token that has ended, and says so in JSON, unlike of a path that isn't there.
  return head.status == 404 && method_of(options) == AuthMethod::token &&
         head.header("content-type").starts_with("application/json");
}

Token read_answer(const http::ApiResponse& response, const AuthOptions& options) {
  const int status = response.head.status;
  if (is_refusal(response.head, options)) throw refused(options);
  // The body is not shown: it may repeat what was sent.
  if (status != 200 && status != 201) throw misunderstood(options, fmt::format("it answered with status {}", status));
  auto token = token_from(response.head.header("x-subject-token"), response.body);
  if (!token) throw misunderstood(options, "its answer is not a token of the Identity API v3");
  return std::move(*token);
}

}  // namespace

// One request to Keystone, while it is under way and until the last one who waited has read what came of it.
struct Identity::Request {
  bool ended = false;
  std::shared_ptr<const Token> token;
  // A copy for each: exceptions are changed on their way up.
  std::optional<Error> failure;
};

std::chrono::seconds renewal_margin(std::chrono::seconds life) {
  constexpr std::chrono::seconds kMargin{60};  // a request that waits its turn at a busy service begins within a minute
  return std::min(kMargin, life / 4);
}

Identity::Identity(http::HttpClient& client, AuthOptions options, std::function<Clock::time_point()> now)
    : client_(client), options_(std::move(options)), now_(std::move(now)) {
  check_complete(options_);
}

std::shared_ptr<const Token> Identity::token(const OpContext& op) {
  std::unique_lock guard(mutex_);
  for (;;) {
    op.check();
    if (token_ && now_() < use_until_) return token_;
    if (!request_) return request_token(guard, op);
    if (auto token = join(request_, guard, op)) return token;
  }
}

std::shared_ptr<const Token> Identity::join(std::shared_ptr<const Request> request, std::unique_lock<std::mutex>& guard,
                                            const OpContext& op) {
  answered_.wait_until(guard, op.stop(), op.deadline(), [&] { return request->ended; });
  if (request->failure) throw *request->failure;
  return request->token;
}

std::shared_ptr<const Token> Identity::request_token(std::unique_lock<std::mutex>& guard, const OpContext& op) {
  const auto request = request_ = std::make_shared<Request>();
  const auto asked = now_();
  guard.unlock();
  const auto end = [&] {
    guard.lock();
    request->ended = true;
    request_.reset();
    answered_.notify_all();
  };
  try {
    request->token = std::make_shared<const Token>(ask(op));
  } catch (const Error& error) {
    // The deadline was this caller's own.
    if (error.code() != ErrorCode::timed_out) request->failure = error;
    end();
    throw;
  } catch (...) {
    end();
    throw;
  }
  end();
  token_ = request->token;
  use_until_ = asked + token_->life - renewal_margin(token_->life);
  return token_;
}

Token Identity::ask(const OpContext& op) const {
  constexpr std::chrono::hours kNeverMind{24};
  if (method_of(options_) == AuthMethod::none) return {.id = {}, .life = kNeverMind, .catalog = {}};
  const auto response = with_context([&] { return "cannot get a token from " + keystone_at(options_); },
                                     [&] { return client_.call(call_for(options_), op); });
  return read_answer(response, options_);
}

void Identity::invalidate(const Secret& id) {
  const std::lock_guard guard(mutex_);
  if (token_ && token_->id.reveal() == id.reveal()) token_.reset();
}

}  // namespace basecache::keystone
