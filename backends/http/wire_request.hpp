#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/http/address_policy.hpp"
#include "backends/http/api_call.hpp"
#include "backends/http/http_request.hpp"
#include "backends/http/upload_body.hpp"

namespace basecache::http {

// One request as it goes to one server.
struct WireRequest {
  std::string url;
  HostTrust trust = {};
  std::vector<HttpHeader> headers = {};
  TlsFiles tls = {};
  std::optional<S3Signing> signing = {};
  Method method = Method::get;
  const std::string* text = nullptr;  // the body, be it empty
  UploadBody* upload = nullptr;       // or the body as it is read, chunked
  // On a connection of its own. libcurl sends a request again by itself when a kept one turns out to be dead.
  bool fresh = false;
};

}  // namespace basecache::http
