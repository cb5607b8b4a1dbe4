#include "agent/periodic/own_work.hpp"

#include "agent/periodic/pruning.hpp"
#include "agent/periodic/repetition.hpp"

namespace basecache::periodic {
namespace {

constexpr std::chrono::minutes kTellEvery{30};
constexpr std::chrono::minutes kTellingTakes{10};  // at most

void tell_nodes(const prune::UseGraph& uses, const std::stop_token& stop) {
  uses.tell_nodes(OpContext("tell-nodes", stop, OpContext::Clock::now() + kTellingTakes));
}

}  // namespace

OwnWork::OwnWork(const api::UseCases& use_cases, api::Operations& operations, const OwnWorkSettings& settings)
    : precaching_(use_cases.cache, operations, settings.precache) {
  if (settings.prune_interval) {
    const Repetition passes{.name = "prune", .interval = *settings.prune_interval, .is_due_at_start = false};
    prunes_ = std::jthread([passes, &pruner = use_cases.pruner, &operations](const std::stop_token& stop) {
      repeat(
          passes, [&] { prune_once(pruner, operations, stop); }, timing_of(stop));
    });
  }
  if (use_cases.uses.asks_domains()) {
    const Repetition telling{.name = "tell_nodes", .interval = kTellEvery, .is_due_at_start = false};
    tells_ = std::jthread([telling, &uses = use_cases.uses](const std::stop_token& stop) {
      repeat(
          telling, [&] { tell_nodes(uses, stop); }, timing_of(stop));
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
  tells_.request_stop();
  prunes_.request_stop();
  precaches_.request_stop();
}

}  // namespace basecache::periodic
