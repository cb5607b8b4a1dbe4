#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/base/secret.hpp"

namespace basecache::http {

struct HttpHeader {
  std::string name;
  std::string value;
  bool secret = false;  // sent to the server that was named and to no other, never shown
};

// PEM files; an empty path is the system's own, or none.
struct TlsFiles {
  Path authorities;  // whom servers' certificates are trusted by, instead of the system's
  Path certificate;  // ours, for servers that want one
  Path key;

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// AWS Signature Version 4, made for each server that is asked.
struct S3Signing {
  std::string access_key;
  Secret secret_key;
  std::string region;
};

// What is asked for, and of whom.
struct HttpRequest {
  // The same thing at one or more servers: who fails is followed by the next one. May carry credentials: shown through
  // redact_url() only.
  std::vector<std::string> urls;
  std::vector<HttpHeader> headers = {};
  TlsFiles tls = {};
  // Not the caller but a server named the URLs: the hosts are trusted as little as those it redirects to.
  bool named_by_server = false;
  std::optional<S3Signing> signing = {};
  std::optional<unsigned> retries = {};  // instead of RetryParameters::retries
};

}  // namespace basecache::http
