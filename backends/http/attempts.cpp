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
    : request_(request), doing_(doing), retry_(retry), op_(op) {}

// An answer counts for all servers; what is wrong with a server or the way to it doesn't.
bool Attempts::may_go_on(const Fault& fault) const {
  if (is_retried(fault.kind, fault.status)) return true;
  return fault.kind != FaultKind::status && failures_ < request_.urls.size();
}

std::optional<std::chrono::milliseconds> Attempts::delay(const Fault& fault) const {
  if (!may_go_on(fault)) return std::nullopt;
  const auto asked_for = next_delay(retry_, failures_, fault.retry_after, random_fraction());
  const bool next_is_fresh = failures_ < request_.urls.size();
  return asked_for && next_is_fresh ? std::chrono::milliseconds(0) : asked_for;
}

bool Attempts::goes_on(const Fault& fault, bool advanced) {
  failures_ = advanced ? 1 : failures_ + 1;
  const auto pause = delay(fault);
  if (!pause || op_.deadline() - OpContext::Clock::now() <= *pause) return false;
  op_.wait_for(*pause);
  server_ = (server_ + 1) % request_.urls.size();
  ++made_;
  return true;
}

}  // namespace basecache::http
