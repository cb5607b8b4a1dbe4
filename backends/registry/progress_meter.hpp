#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"

namespace basecache::registry {

// Counts the bytes of one step and reports them each tenth of a second or MiB, however small the blocks are, and once
// at the end. A source that falls silent has left less than a MiB untold.
class ProgressMeter {
 public:
  // `op` must outlive the meter. Step and subject as in Progress.
  ProgressMeter(const OpContext& op, std::string step, std::string subject);

  // Also when the step starts over, and when it goes on behind the first `done` bytes.
  void start(std::optional<Bytes> total, Bytes done = {});
  void add(std::uint64_t bytes);
  void finish() const { op_.report(progress_); }

 private:
  void report_when_due();

  const OpContext& op_;
  Progress progress_;
  std::optional<OpContext::Clock::time_point> reported_;
  std::uint64_t reported_done_ = 0;
};

}  // namespace basecache::registry
