#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_source.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_library.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/http_settings.hpp"

namespace basecache::http {

class CurlSession;
class ImageIntake;
class RedirectRoute;
struct ResponseHead;

// Fetches bodies over http and https: redirects, retries, limits. Serves any number of threads; each transfer runs on
// the thread that asks for it. Connections are kept for the next request to the same server.
// TLS is always verified. Proxies of the environment are not used: the addresses that are checked would be theirs.
class HttpClient {
 public:
  // `library` must outlive the client.
  HttpClient(const HttpLibrary& library, HttpSettings settings);
  ~HttpClient();

  // One sequential GET, the whole body into `sink`; starts over (sink.start again) after what is_retried().
  // Returns only after the last byte. Gives up early when the next attempt couldn't begin before the deadline. Errors:
  // invalid_request (not a URL of http or https), image_not_found (404, 410), source_unauthorized (401, 403),
  // source_unavailable, image_unacceptable (a web page, an encoded or a too large body), forbidden (led astray),
  // timed_out; Cancelled. What the sink throws passes through.
  void download(const HttpRequest& request, cache::ImageSink& sink, const OpContext& op);

 private:
  class Loan;

  std::optional<Fault> attempt(CurlSession& session, const HttpRequest& request, ImageIntake& intake,
                               const OpContext& op) const;
  void pause(const Fault& fault, const HttpRequest& request, unsigned attempts, const OpContext& op) const;

  const HttpSettings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CurlSession>> idle_;  // guarded by mutex_
};

}  // namespace basecache::http
