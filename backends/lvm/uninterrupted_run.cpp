#include "backends/lvm/uninterrupted_run.hpp"

#include <chrono>

namespace basecache::lvm {
namespace {

constexpr std::chrono::minutes kTimeForChange{2};

}  // namespace

CompletedProcess run_uninterrupted(const Command& command, const OpContext& op) {
  op.check();
  const OpContext own(op.id(), {}, OpContext::Clock::now() + kTimeForChange);
  return run(command, own);
}

}  // namespace basecache::lvm
