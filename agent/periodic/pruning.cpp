#include "agent/periodic/pruning.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/api/messages.hpp"
#include "agent/base/log.hpp"

namespace basecache::periodic {
namespace {

void log_pass(const prune::PruneReport& report) {
  const auto removed = std::ranges::count_if(report.decisions, &prune::PruneDecision::remove);
  const auto kept = std::ssize(report.decisions) - removed;
  const LogField what("removed", removed);
  const LogField rest("kept", kept);
  const LogField freed("freed_bytes", report.freed.count);
  if (report.unreadable.empty()) return log_event(LogLevel::info, "pruned", {what, rest, freed});
  log_event(LogLevel::warning, "pruned",
            {what, rest, freed, {"usage_unknown", report.unreadable.size()}, {"why", report.unreadable.front()}});
}

}  // namespace

void prune_once(prune::Pruner& pruner, api::Operations& operations, const std::stop_token& stop) {
  const auto work = [&](OpContext& op) {
    const prune::PruneReport report = pruner.prune(false, op);
    log_pass(report);
    return api::to_json(report);
  };
  operations.run({"prune", "by itself"}, work, stop);
}

}  // namespace basecache::periodic
