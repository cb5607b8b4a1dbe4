#include "backends/registry/progress_meter.hpp"

#include <chrono>

namespace basecache::registry {
namespace {

constexpr std::chrono::milliseconds kInterval{100};
constexpr std::uint64_t kStride = 1 << 20;

}  // namespace

ProgressMeter::ProgressMeter(const OpContext& op, std::string step, std::string subject)
    : op_(op), progress_{.step = std::move(step), .subject = std::move(subject), .done = 0, .total = std::nullopt} {}

void ProgressMeter::start(std::optional<Bytes> total, Bytes done) {
  progress_.done = reported_done_ = done.count;
  progress_.total = total ? std::optional(total->count) : std::nullopt;
  report_when_due();
}

void ProgressMeter::add(std::uint64_t bytes) {
  progress_.done += bytes;
  report_when_due();
}

void ProgressMeter::report_when_due() {
  const auto now = OpContext::Clock::now();
  if (reported_ && now - *reported_ < kInterval && progress_.done - reported_done_ < kStride) return;
  reported_ = now;
  reported_done_ = progress_.done;
  op_.report(progress_);
}

}  // namespace basecache::registry
