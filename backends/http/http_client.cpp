#include "backends/http/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/text.hpp"
#include "backends/http/attempts.hpp"
#include "backends/http/curl_session.hpp"
#include "backends/http/image_intake.hpp"
#include "backends/http/redirect_route.hpp"
#include "backends/http/repeated_secrets.hpp"
#include "backends/http/session_pool.hpp"
#include "backends/http/text_intake.hpp"
#include "backends/http/wire_request.hpp"

namespace basecache::http {
namespace {

constexpr int kNotModified = 304;
constexpr int kRangeNotSatisfiable = 416;
// Stores refuse a signature without the body's digest, which libcurl 7.88 signs but doesn't make; what is signed here
// has no body.
constexpr const char* kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

HttpSettings with_normal_hosts(HttpSettings settings) {
  std::ranges::transform(settings.listed_hosts, settings.listed_hosts.begin(), normal_host);
  return settings;
}

// What came of a request, and where.
struct Answer {
  std::variant<ResponseHead, Fault> result;
  std::string elsewhere;  // where redirects led; "" when there were none

  const ResponseHead* head() const { return std::get_if<ResponseHead>(&result); }
  // Why it isn't what was wanted. Elsewhere than where the caller pointed says where.
  Fault fault() const {
    Fault fault = head() != nullptr ? fault_of(*head()) : std::get<Fault>(result);
    if (!elsewhere.empty()) fault.reason += fmt::format(", redirected to {}", quote(redact_url(elsewhere)));
    return fault;
  }
};

bool is_redirect(const ResponseHead& head) { return head.status >= 300 && head.status < 400 && !head.location.empty(); }

// What goes to the server that the route leads to now: nothing secret to any but the named one.
WireRequest addressed(WireRequest wire, const HttpRequest& request, const RedirectRoute& route) {
  wire.url = route.url();
  wire.trust = route.trust();
  wire.tls = request.tls;
  if (request.signing && route.at_first_server()) {
    wire.signing = request.signing;
    wire.headers.push_back({.name = "x-amz-content-sha256", .value = kEmptySha256});
  }
  std::ranges::copy_if(request.headers, std::back_inserter(wire.headers),
                       [&](const HttpHeader& header) { return !header.secret || route.at_first_server(); });
  return wire;
}

void log_exchange(Method method, const std::string& url, const Answer& answer, const OpContext& op) {
  const std::string outcome = answer.head() != nullptr ? fmt::format("status {}", answer.head()->status)
                                                       : std::get<Fault>(answer.result).reason;
  log_event(LogLevel::debug, "http_exchange",
            {{"operation", op.id()}, {"method", name_of(method)}, {"url", redact_url(url)}, {"outcome", outcome}});
}

// The first answer on the way from `url` that isn't a redirect.
Answer follow(CurlSession& session, const HttpRequest& request, const std::string& url, const HttpSettings& settings,
              const WireRequest& wire, BodyTaker& taker, const OpContext& op) {
  RedirectRoute route(url, settings.listed_hosts, request.named_by_server);
  const bool follows = wire.method == Method::get || wire.method == Method::head;
  for (;;) {
    Answer answer{.result = session.exchange(addressed(wire, request, route), taker, op),
                  .elsewhere = route.is_redirected() ? route.url() : std::string()};
    std::visit([&](auto& result) { forget_secrets(result, request.headers); }, answer.result);
    log_exchange(wire.method, route.url(), answer, op);
    if (answer.head() == nullptr || !follows || !is_redirect(*answer.head())) return answer;
    if (auto refusal = route.follow(answer.head()->location)) return {.result = *std::move(refusal), .elsewhere = ""};
  }
}

bool is_safe(Method method) { return method == Method::get || method == Method::head; }

}  // namespace

HttpClient::HttpClient(const HttpLibrary&, HttpSettings settings)
    : settings_(with_normal_hosts(std::move(settings))), sessions_(std::make_unique<SessionPool>(settings_)) {}

HttpClient::~HttpClient() = default;

void HttpClient::download(const HttpRequest& request, const std::string& version, fetch::ImageSink& sink,
                          const OpContext& op) {
  SessionPool::Loan session(*sessions_);
  ImageIntake intake(sink, version, settings_.max_body, request.urls.front());
  Attempts attempts(request, "fetch", settings_.retry, op);
  while (intake.prepare()) {
    WireRequest wire;
    wire.headers = intake.range_headers();
    const Answer answer = follow(*session, request, attempts.url(), settings_, wire, intake, op);
    const int status = answer.head() != nullptr ? answer.head()->status : 0;
    if (intake.wants(status) || (status == kNotModified && intake.asks_whether_changed())) return;
    Fault fault = answer.fault();
    if (fault.status == kRangeNotSatisfiable && intake.give_up_range()) fault.kind = FaultKind::wrong_range;
    if (attempts.goes_on(fault, intake.has_advanced())) continue;
    if (!intake.turns_to_whole(fault)) throw attempts.error(fault);
    attempts.add_one();
  }
}

ApiResponse HttpClient::call(const ApiCall& call, const OpContext& op) {
  SessionPool::Loan session(*sessions_);
  Attempts attempts(call.request, "ask", settings_.retry, op);
  const bool repeats = call.repeatable || is_safe(call.method);
  WireRequest wire;
  wire.method = call.method;
  wire.fresh = !is_safe(call.method);  // libcurl's own repetitions aren't counted
  if (!call.body.empty()) wire.text = &call.body;
  if (!call.content_type.empty()) wire.headers.push_back({.name = "Content-Type", .value = call.content_type});
  for (;;) {
    TextIntake text;
    const std::string url = attempts.url();
    const Answer answer = follow(*session, call.request, url, settings_, wire, text, op);
    const bool is_final = answer.head() != nullptr && !is_retried(FaultKind::status, answer.head()->status);
    if (!is_final && repeats && attempts.goes_on(answer.fault(), false)) continue;
    if (answer.head() == nullptr) throw attempts.error(answer.fault());
    return {.head = *answer.head(), .body = std::move(text).take(), .url = url, .sent = attempts.sent()};
  }
}

ApiResponse HttpClient::upload(const HttpRequest& request, std::string_view content_type, UploadBody& body,
                               const OpContext& op) {
  SessionPool::Loan session(*sessions_);
  TextIntake text;
  WireRequest wire;
  wire.method = Method::put;
  wire.upload = &body;
  wire.fresh = true;
  wire.headers.push_back({.name = "Content-Type", .value = std::string(content_type)});
  const std::string& url = request.urls.front();
  body.rewind();
  const Answer answer = follow(*session, request, url, settings_, wire, text, op);
  if (answer.head() == nullptr) throw error_of(answer.fault(), "upload to", url, 1);
  return {.head = *answer.head(), .body = std::move(text).take(), .url = url};
}

}  // namespace basecache::http
