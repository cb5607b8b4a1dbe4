#include "agent/prune/use_graph.hpp"

#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/prune/chain_walk.hpp"
#include "agent/prune/domain_usage.hpp"
#include "agent/prune/instance_usage.hpp"
#include "agent/prune/prune_policy.hpp"

namespace basecache::prune {
namespace {

std::string with_hint(const Error& error) {
  return error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")";
}

}  // namespace

Usage UseGraph::collect(const OpContext& op) const {
  ChainWalk walk(layout_, chains_);
  collect_instances(layout_, walk);
  Usage usage = walk.take();
  usage.add(domains_usage(op, walk));
  if (sources_.nodes != nullptr) usage.add(sources_.nodes->others(std::time(nullptr)));
  return usage;
}

Usage UseGraph::domains_usage(const OpContext& op, ChainWalk& walk) const {
  Usage usage;
  const auto guarded = [&](auto body) {
    try {
      body();
    } catch (const Error& error) {
      usage.unreadable.push_back(with_hint(error));
    }
  };
  guarded([&] {
    if (sources_.domains != nullptr) collect_domains(sources_.domains->domains(op), "", layout_, walk);
  });
  guarded([&] {
    if (sources_.leases != nullptr) collect_domains(sources_.leases->all(), " (its hook holds it)", layout_, walk);
  });
  usage.add(walk.take());
  return usage;
}

// For a hook libvirt isn't asked: what was told before is better. A marker that can't be written ages, until the other
// nodes don't believe it any more.
void UseGraph::tell_nodes(const OpContext& op) const {
  if (sources_.nodes == nullptr || op.hook_wait().is_on()) return;
  try {
    ChainWalk walk(layout_, chains_);
    sources_.nodes->tell(domains_usage(op, walk), asks_domains(), std::time(nullptr));
  } catch (const Error& error) {
    log_event(LogLevel::warning, "node_marker_not_written", {{"error", error.message()}});
  }
}

std::optional<std::string> UseGraph::reason_to_stay(const model::CacheKey& key, const OpContext& op) const {
  const Usage usage = collect(op);
  if (const auto users = usage.users.find(key); users != usage.users.end()) return used_by(users->second);
  if (!usage.unreadable.empty()) return "who uses it can't be told: " + usage.unreadable.front();
  return std::nullopt;
}

}  // namespace basecache::prune
