#include "backends/http/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/curl_session.hpp"
#include "backends/http/image_intake.hpp"
#include "backends/http/redirect_route.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::http {
namespace {

HttpSettings with_normal_hosts(HttpSettings settings) {
  std::ranges::transform(settings.listed_hosts, settings.listed_hosts.begin(), normal_host);
  return settings;
}

double random_fraction() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0.0, 1.0)(device);
}

std::vector<HttpHeader> headers_for(const RedirectRoute& route, const std::vector<HttpHeader>& asked) {
  std::vector<HttpHeader> headers;
  std::ranges::copy_if(asked, std::back_inserter(headers),
                       [&](const HttpHeader& header) { return !header.secret || route.at_first_server(); });
  return headers;
}

Fault fault_of_status(const ResponseHead& head) {
  return {.kind = FaultKind::status,
          .reason = fmt::format("the server answered with status {}", head.status),
          .status = head.status,
          .retry_after = parse_retry_after(head.retry_after, std::chrono::system_clock::now())};
}

// A fault elsewhere than where the caller pointed says where.
Fault located(Fault fault, const RedirectRoute& route) {
  if (route.trust().redirected) fault.reason += fmt::format(", redirected to {}", quote(redact_url(route.url())));
  return fault;
}

bool is_redirect(const ResponseHead& head) { return head.status >= 300 && head.status < 400 && !head.location.empty(); }

}  // namespace

// A session while one download uses it.
class HttpClient::Loan {
 public:
  explicit Loan(HttpClient& client) : client_(client) {
    const std::lock_guard guard(client.mutex_);
    if (client.idle_.empty()) {
      session_ = std::make_unique<CurlSession>(client.settings_);
      return;
    }
    session_ = std::move(client.idle_.back());
    client.idle_.pop_back();
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() {
    const std::lock_guard guard(client_.mutex_);
    if (client_.idle_.size() < kMostIdle) client_.idle_.push_back(std::move(session_));
  }

  CurlSession& session() { return *session_; }

 private:
  static constexpr std::size_t kMostIdle = 8;  // each keeps a few connections open

  HttpClient& client_;
  std::unique_ptr<CurlSession> session_;
};

HttpClient::HttpClient(const HttpLibrary&, HttpSettings settings) : settings_(with_normal_hosts(std::move(settings))) {}

HttpClient::~HttpClient() = default;

void HttpClient::download(const HttpRequest& request, cache::ImageSink& sink, const OpContext& op) {
  Loan loan(*this);
  ImageIntake intake(sink, settings_.max_body, request.url);
  for (unsigned attempts = 1;; ++attempts) {
    const auto fault = attempt(loan.session(), request, intake, op);
    if (!fault) return;
    pause(*fault, request, attempts, op);
  }
}

std::optional<Fault> HttpClient::attempt(CurlSession& session, const HttpRequest& request, ImageIntake& intake,
                                         const OpContext& op) const {
  RedirectRoute route(request.url, settings_.listed_hosts);
  for (;;) {
    const auto answer = session.get(route.url(), headers_for(route, request.headers), route.trust(), intake, op);
    if (const auto* fault = std::get_if<Fault>(&answer)) return located(*fault, route);
    const auto& head = std::get<ResponseHead>(answer);
    if (head.status == 200) return std::nullopt;
    if (!is_redirect(head)) return located(fault_of_status(head), route);
    if (auto refusal = route.follow(head.location)) return refusal;
  }
}

// Returns when it is time for the next attempt; throws when there is none, or none before the deadline.
void HttpClient::pause(const Fault& fault, const HttpRequest& request, unsigned attempts, const OpContext& op) const {
  std::optional<std::chrono::milliseconds> delay;
  if (is_retried(fault.kind, fault.status)) {
    delay = next_delay(settings_.retry, attempts, fault.retry_after, random_fraction());
  }
  if (!delay || op.deadline() - OpContext::Clock::now() <= *delay) throw error_of(fault, request.url, attempts);
  op.wait_for(*delay);
}

}  // namespace basecache::http
