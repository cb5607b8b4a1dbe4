#include "backends/http/fault.hpp"

#include <fmt/format.h>

#include "agent/base/text.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::http {
namespace {

bool is_retried_status(int status) { return status == 408 || status == 429 || status >= 500; }

ErrorCode code_of(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::status:
      return code_of_status(fault.status);
    case FaultKind::forbidden_redirect:
    case FaultKind::forbidden_address:
      return ErrorCode::forbidden;
    case FaultKind::unreachable:
    case FaultKind::stalled:
    case FaultKind::truncated:
    case FaultKind::untrusted:
    case FaultKind::misspoken:
    case FaultKind::wrong_range:
    case FaultKind::redirect_loop:
      return ErrorCode::source_unavailable;
  }
  return ErrorCode::internal;
}

std::string hint_of_status(int status) {
  switch (code_of_status(status)) {
    case ErrorCode::source_unauthorized:
      return "the server wants credentials that allow this image";
    case ErrorCode::image_not_found:
      return "check the URL: the server has nothing there";
    default:
      break;
  }
  if (is_retried_status(status)) return "ask again later; the server's log says why it refuses";
  return "open the URL from this node with another program: the server doesn't serve it as an image";
}

std::string hint_of(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::status:
      return hint_of_status(fault.status);
    case FaultKind::unreachable:
      return "check that the server runs and that this node may connect to it";
    case FaultKind::stalled:
      return "the server or the way to it is overloaded; [basecache] stall_timeout is how long we wait for bytes";
    case FaultKind::truncated:
      return "the server breaks transfers off; ask again later";
    case FaultKind::untrusted:
      return "give the server a certificate that this node trusts, or install its authority (update-ca-certificates)";
    case FaultKind::wrong_range:
      return "ask again: the next transfer begins anew; the server doesn't honour ranges";
    case FaultKind::misspoken:
      return "check that the URL leads to an HTTP server";
    case FaultKind::redirect_loop:
      return "name the URL that serves the image itself";
    case FaultKind::forbidden_redirect:
    case FaultKind::forbidden_address:
      return "name the URL that serves the image itself; [basecache] url_hosts lists hosts that are allowed besides";
  }
  return {};
}

}  // namespace

ErrorCode code_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::source_unauthorized;
    case 404:
    case 410:
      return ErrorCode::image_not_found;
    default:
      return ErrorCode::source_unavailable;
  }
}

bool is_retried(FaultKind kind, int status) {
  switch (kind) {
    case FaultKind::unreachable:
    case FaultKind::stalled:
    case FaultKind::truncated:
    case FaultKind::wrong_range:
      return true;
    case FaultKind::status:
      return is_retried_status(status);
    case FaultKind::untrusted:
    case FaultKind::misspoken:
    case FaultKind::redirect_loop:
    case FaultKind::forbidden_redirect:
    case FaultKind::forbidden_address:
      return false;
  }
  return false;
}

bool may_refuse_range(const Fault& fault) {
  switch (fault.status) {
    case 401:
    case 408:
    case 429:
    case 503:
      return false;
    default:
      return fault.kind == FaultKind::status || fault.kind == FaultKind::misspoken;
  }
}

Fault fault_of(const ResponseHead& head) {
  return {.kind = FaultKind::status,
          .reason = fmt::format("the server answered with status {}", head.status),
          .status = head.status,
          .retry_after = parse_retry_after(head.header("retry-after"), std::chrono::system_clock::now())};
}

Error error_of(const Fault& fault, std::string_view doing, std::string_view url, unsigned attempts) {
  const std::string shown = redact_url(url);
  const std::string count = attempts > 1 ? fmt::format(" ({} attempts)", attempts) : "";
  Error error(code_of(fault), fmt::format("cannot {} {}: {}{}", doing, quote(shown), fault.reason, count));
  error.set_hint(hint_of(fault));
  error.add_field("url", shown);
  if (fault.kind == FaultKind::status) error.add_field("status", std::to_string(fault.status));
  return error;
}

}  // namespace basecache::http
