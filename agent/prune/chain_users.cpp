#include "agent/prune/chain_users.hpp"

#include "agent/prune/prune_policy.hpp"
#include "agent/prune/usage.hpp"

namespace basecache::prune {

std::optional<std::string> ChainUsers::reason_to_stay(const model::CacheKey& key) const {
  const Usage usage = collect_usage(layout_, reader_);
  if (const auto users = usage.users.find(key); users != usage.users.end()) return used_by(users->second);
  if (!usage.unreadable.empty()) return "who uses it can't be told: " + usage.unreadable.front();
  return std::nullopt;
}

}  // namespace basecache::prune
