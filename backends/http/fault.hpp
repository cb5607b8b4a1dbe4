#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// Ways an attempt to fetch fails that are the server's or the network's doing.
enum class FaultKind {
  unreachable,         // no name, no connection, or it broke before the body
  stalled,             // connected, and too few bytes came for too long
  truncated,           // the body ended before its announced end
  status,              // an answer that isn't the image
  untrusted,           // the server's certificate
  misspoken,           // not HTTP, or not as we can take it
  wrong_range,         // not the rest that was asked for; the whole may still be had
  redirect_loop,       // more redirects than anybody needs
  forbidden_redirect,  // to another scheme, or away from https
  forbidden_address,   // to an address that this node must not be led to
};

struct Fault {
  FaultKind kind = FaultKind::unreachable;
  std::string reason;  // completes "cannot fetch '<url>': "; without secrets
  int status = 0;      // of a FaultKind::status
  std::optional<std::chrono::seconds> retry_after = {};
  bool was_sent = true;  // false: no connection was had, so the server knows nothing of the request
};

// How a caller can react to a status that isn't a success.
ErrorCode code_of_status(int status);

// Whether another attempt may succeed: connections, stalls, truncated bodies, wrong ranges, 408, 429 and 5xx; nothing
// else.
bool is_retried(FaultKind kind, int status);

// Whether an answer to a Range may be the server's way to refuse ranges, not the image: one that doesn't ask to come
// back later (408, 429, 503) or with another token (401).
bool may_refuse_range(const Fault& fault);

// The fault of an answer that isn't the one that was wanted.
Fault fault_of(const ResponseHead& head);

// What the caller is told after `attempts` attempts, the last of which ended in `fault`. `doing`: "fetch", "ask".
Error error_of(const Fault& fault, std::string_view doing, std::string_view url, unsigned attempts);

}  // namespace basecache::http
