#include "agent/periodic/own_work.hpp"

#include "agent/periodic/pruning.hpp"
#include "agent/periodic/repetition.hpp"

namespace basecache::periodic {

OwnWork::OwnWork(const api::UseCases& use_cases, api::Operations& operations, const OwnWorkSettings& settings)
    : precaching_(use_cases.cache, operations, settings.precache) {
  if (settings.prune_interval) {
    const Repetition passes{.name = "prune", .interval = *settings.prune_interval, .is_due_at_start = false};
    prunes_ = std::jthread([passes, &pruner = use_cases.pruner, &operations](const std::stop_token& stop) {
      repeat(
          passes, [&] { prune_once(pruner, operations, stop); }, timing_of(stop));
    });
  }
  if (!settings.precache.empty()) {
    const Repetition looks{.name = "precache", .interval = settings.precache_interval, .is_due_at_start = true};
    precaches_ = std::jthread([this, looks](const std::stop_token& stop) {
      repeat(
          looks, [&] { precaching_.look(stop); }, timing_of(stop));
    });
  }
}

void OwnWork::request_stop() {
  prunes_.request_stop();
  precaches_.request_stop();
}

}  // namespace basecache::periodic
