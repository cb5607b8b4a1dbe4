#include "backends/glance/glance_client.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "agent/base/error.hpp"
#include "backends/glance/image_href.hpp"
#include "backends/glance/server_answer.hpp"
#include "backends/http/repeated_secrets.hpp"

namespace basecache::glance {
namespace {

constexpr int kUnauthorized = 401;

bool is_refused(const http::ApiResponse& answer) { return answer.head.status == kUnauthorized; }

Bytes bytes_in(fetch::ImageSink& sink) {
  const auto held = sink.held();
  return held ? held->count : Bytes{};
}

std::vector<std::string> shuffled(std::vector<std::string> servers, const RandomBelow& random) {
  for (std::size_t rest = servers.size(); rest > 1; --rest) std::swap(servers[rest - 1], servers[random(rest)]);
  return servers;
}

std::string url_at(const std::string& server, const std::string& path) {
  return server.substr(0, server.find_last_not_of('/') + 1) + path;
}

http::HttpHeader token_header(const Secret& token) {
  return {.name = "X-Auth-Token", .value = token.reveal(), .secret = true};
}

// A refusal is shown in the server's words, and what is wrong with a record by its words; not where they repeat what
// was confided to the server.
http::ApiResponse without_secrets(http::ApiResponse answer, const http::HttpRequest& request) {
  if (http::repeats_secret(request.headers, answer.body)) answer.body.clear();
  return answer;
}

}  // namespace

std::size_t random_below(std::size_t limit) {
  std::random_device device;
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(device);
}

GlanceClient::GlanceClient(http::HttpClient& http, ImageEndpoints& endpoints, GlanceSettings settings)
    : http_(http), endpoints_(endpoints), settings_(std::move(settings)) {}

bool GlanceClient::is_trusted(const std::vector<std::string>& servers, const Access& access) const {
  return std::ranges::all_of(servers, [&](const std::string& server) {
    return is_one_of(server, access.servers) || is_one_of(server, settings_.trusted_servers);
  });
}

bool GlanceClient::is_ours(const std::vector<std::string>& servers, const OpContext& op) const {
  return is_trusted(servers, endpoints_.access(op));
}

GlanceClient::Ticket GlanceClient::ticket_for(const GlanceCall& call, const OpContext& op) {
  const Access access = endpoints_.access(op);
  Ticket ticket;
  ticket.request.tls = settings_.tls;
  for (const std::string& server : shuffled(call.servers.empty() ? access.servers : call.servers, settings_.random)) {
    ticket.request.urls.push_back(url_at(server, call.path));
  }
  if (!is_trusted(call.servers, access)) return ticket;
  const Secret& requesters = op.transfers().token;
  if (requesters.empty()) ticket.renewable = access.token;
  const Secret& token = requesters.empty() ? access.token : requesters;
  if (!token.empty()) ticket.request.headers.push_back(token_header(token));
  return ticket;
}

template <class Send>
http::ApiResponse GlanceClient::authorized(const GlanceCall& call, const OpContext& op, Send&& send) {
  return with_context([&] { return "cannot " + call.doing; },
                      [&] {
                        const Ticket ticket = ticket_for(call, op);
                        auto answer = without_secrets(send(ticket.request), ticket.request);
                        if (!is_refused(answer) || ticket.renewable.empty()) return answer;
                        endpoints_.refused(ticket.renewable);
                        const Ticket renewed = ticket_for(call, op);
                        const unsigned sent_before = answer.sent - 1;  // a refused request has done nothing
                        answer = without_secrets(send(renewed.request), renewed.request);
                        answer.sent += sent_before;
                        return answer;
                      });
}

http::ApiResponse GlanceClient::ask(const GlanceCall& call, const OpContext& op) {
  return authorized(call, op, [&](const http::HttpRequest& request) {
    return http_.call({.request = request,
                       .method = call.method,
                       .body = call.body,
                       .content_type = call.content_type,
                       .repeatable = call.repeatable},
                      op);
  });
}

http::ApiResponse GlanceClient::call(const GlanceCall& call, const OpContext& op) {
  http::ApiResponse answer = ask(call, op);
  if (answer.head.status < 200 || answer.head.status >= 300) throw refusal(call, answer);
  return answer;
}

Error GlanceClient::refusal(const GlanceCall& call, const http::ApiResponse& answer) {
  const std::string& url = answer.url;
  Error error = error_of(answer, call.doing, url.substr(0, url.size() - std::min(url.size(), call.path.size())));
  if (answer.head.status == kUnauthorized && !call.servers.empty()) {
    error.set_hint("our tokens go to the servers of [glance] api_servers and of Keystone's catalog, and to no other");
  }
  return error;
}

// A long transfer outlives its token: one that is refused behind new bytes is renewed again.
void GlanceClient::download(const GlanceCall& call, const std::string& version, fetch::ImageSink& sink,
                            const OpContext& op) {
  std::optional<Bytes> renewed_at;
  for (;;) {
    const Ticket ticket = with_context([&] { return "cannot " + call.doing; }, [&] { return ticket_for(call, op); });
    try {
      return http_.download(ticket.request, version, sink, op);
    } catch (const Error& error) {
      const Bytes held = bytes_in(sink);
      const bool may_renew = !ticket.renewable.empty() && (!renewed_at || held > *renewed_at);
      if (!has_status(error, kUnauthorized) || !may_renew) throw;
      renewed_at = held;
    }
    endpoints_.refused(ticket.renewable);
  }
}

http::ApiResponse GlanceClient::upload(const GlanceCall& call, http::UploadBody& body, const OpContext& op) {
  return authorized(call, op, [&](const http::HttpRequest& request) {
    return http_.upload(request, "application/octet-stream", body, op);
  });
}

}  // namespace basecache::glance
