#include "backends/http/attempts.hpp"

#include <random>

namespace basecache::http {
namespace {

double random_fraction() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0.0, 1.0)(device);
}

}  // namespace

Attempts::Attempts(const HttpRequest& request, std::string_view doing, const RetryParameters& retry,
                   const OpContext& op)
    : request_(request), doing_(doing), retry_(retry), op_(op) {
  if (request.retries) retry_.retries = *request.retries;
}

// An answer counts for all servers; what is wrong with a server or the way to it doesn't.
bool Attempts::may_go_on(const Fault& fault) const {
  if (is_retried(fault.kind, fault.status)) return true;
  return fault.kind != FaultKind::status && made_ < request_.urls.size();
}

std::optional<std::chrono::milliseconds> Attempts::delay(const Fault& fault) const {
  if (!may_go_on(fault)) return std::nullopt;
  const bool next_was_never_asked = made_ < request_.urls.size();
  if (next_was_never_asked) return std::chrono::milliseconds(0);
  if (retry_.retries == 0) return std::nullopt;  // meant: not even where something was brought
  if (fault.kind == FaultKind::wrong_range) return std::chrono::milliseconds(0);
  return next_delay(retry_, failures_, fault.retry_after, random_fraction());
}

bool Attempts::goes_on(const Fault& fault, bool advanced) {
  if (advanced) {
    failures_ = 0;
  } else if (fault.kind != FaultKind::wrong_range) {  // there is one of these in a download, see ImageIntake
    ++failures_;
  }
  const auto pause = delay(fault);
  if (!pause || op_.deadline() - OpContext::Clock::now() <= *pause) return false;
  op_.wait_for(*pause);
  server_ = (server_ + 1) % request_.urls.size();
  ++made_;
  if (fault.was_sent) ++sent_;
  return true;
}

}  // namespace basecache::http
