#include "agent/prune/use_graph.hpp"

#include "agent/prune/prune_policy.hpp"

namespace basecache::prune {

Usage UseGraph::collect(const OpContext&) const { return collect_usage(layout_, chains_); }

std::optional<std::string> UseGraph::reason_to_stay(const model::CacheKey& key, const OpContext& op) const {
  const Usage usage = collect(op);
  if (const auto users = usage.users.find(key); users != usage.users.end()) return used_by(users->second);
  if (!usage.unreadable.empty()) return "who uses it can't be told: " + usage.unreadable.front();
  return std::nullopt;
}

}  // namespace basecache::prune
