#pragma once

#include <memory>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/fetch/image_source.hpp"
#include "backends/http/api_call.hpp"
#include "backends/http/http_library.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/http/upload_body.hpp"

namespace basecache::http {

class SessionPool;

// Talks to servers over http and https: redirects, retries, limits. Serves any number of threads; each transfer runs on
// the thread that asks for it. Connections are kept for the next request to the same server.
// TLS is always verified. Proxies of the environment are not used: the addresses that are checked would be theirs.
//
// Errors of all: invalid_request (not a URL of http or https), source_unavailable, forbidden (led astray), timed_out;
// Cancelled. Gives up early when the next attempt couldn't begin before the deadline.
class HttpClient {
 public:
  // `library` must outlive the client.
  HttpClient(const HttpLibrary& library, HttpSettings settings);
  ~HttpClient();

  // The whole body of a GET into `sink`. After what is_retried() it goes on where it stopped, when the server says by a
  // strong validator that its bytes are still the same ones, else it starts over; attempts that brought something don't
  // count against the retries. Returns only after the last byte. What the sink throws passes through.
  // `version`: the caller knows which bytes these are by another way (Transfer::version); then no validator is asked
  // for. Errors besides: image_not_found (404, 410), source_unauthorized (401, 403), image_unacceptable (a web page, an
  // encoded or a too large body).
  void download(const HttpRequest& request, const std::string& version, fetch::ImageSink& sink, const OpContext& op);

  // A small answer of any status. Repeats what may be repeated after what is_retried(). Redirects are followed when
  // reading. Errors besides: source_unavailable for an answer of over 16 MiB.
  ApiResponse call(const ApiCall& call, const OpContext& op);

  // PUTs `body`, chunked, once: its caller knows whether it may be done again. The answer of any status.
  ApiResponse upload(const HttpRequest& request, std::string_view content_type, UploadBody& body, const OpContext& op);

 private:
  const HttpSettings settings_;
  std::unique_ptr<SessionPool> sessions_;
};

}  // namespace basecache::http
