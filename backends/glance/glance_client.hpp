#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "agent/fetch/image_source.hpp"
#include "backends/glance/image_endpoints.hpp"
#include "backends/http/api_call.hpp"
#include "backends/http/http_client.hpp"

namespace basecache::glance {

// A number below its argument, which isn't 0.
using RandomBelow = std::function<std::size_t(std::size_t)>;
std::size_t random_below(std::size_t limit);

struct GlanceSettings {
  http::TlsFiles tls = {};
  // Servers besides those of ImageEndpoints that get our tokens (the old registry's).
  std::vector<std::string> trusted_servers = {};
  RandomBelow random = random_below;  // which server is asked first
};

// One request of the image API.
struct GlanceCall {
  std::string doing;  // completes "cannot ...": "show image 'x'"
  std::string path;   // behind a server's base URL: "/v2/images"
  http::Method method = http::Method::get;
  std::string body = {};
  std::string content_type = {};
  bool repeatable = false;                // as of http::ApiCall
  std::vector<std::string> servers = {};  // none: our own
};

// Sends requests to the image service: which server, in random order so that they share the load; which token; and with
// a new token once when ours is refused. The requester's own token (TransferOptions::token) goes before ours and is
// never renewed. No token at all goes to a server that isn't one of ours or trusted, whoever names it.
// Serves any number of threads. Errors of all: those of ImageEndpoints and http::HttpClient.
class GlanceClient {
 public:
  // `http` and `endpoints` must outlive the client.
  GlanceClient(http::HttpClient& http, ImageEndpoints& endpoints, GlanceSettings settings = {});

  // An answer of any status.
  http::ApiResponse ask(const GlanceCall& call, const OpContext& op);
  // An answer with a status of success; any other is the Error of error_of() in server_answer.hpp.
  http::ApiResponse call(const GlanceCall& call, const OpContext& op);
  // Whether these servers (as of GlanceCall) are our own or trusted, which get our tokens.
  bool is_ours(const std::vector<std::string>& servers, const OpContext& op) const;
  static Error refusal(const GlanceCall& call, const http::ApiResponse& answer);

  // GETs `call.path` as of HttpClient::download(). A token that is refused when the transfer is resumed is renewed, and
  // the transfer goes on, as often as it has brought something meanwhile.
  void download(const GlanceCall& call, const std::string& version, fetch::ImageSink& sink, const OpContext& op);
  // PUTs `body` as of HttpClient::upload(), to one server.
  http::ApiResponse upload(const GlanceCall& call, http::UploadBody& body, const OpContext& op);

 private:
  struct Ticket {
    http::HttpRequest request;
    Secret renewable;  // ours, when it is what is sent
  };

  Ticket ticket_for(const GlanceCall& call, const OpContext& op);
  bool is_trusted(const std::vector<std::string>& servers, const Access& access) const;
  // `send` gets the request and returns its answer.
  template <class Send>
  http::ApiResponse authorized(const GlanceCall& call, const OpContext& op, Send&& send);

  http::HttpClient& http_;
  ImageEndpoints& endpoints_;
  const GlanceSettings settings_;
};

}  // namespace basecache::glance
