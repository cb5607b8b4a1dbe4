#include "agent/prune/eviction.hpp"

#include <algorithm>

#include "agent/prune/sweep.hpp"

namespace basecache::prune {

Eviction::Eviction(const layout::CacheLayout& layout, const cache::Pins& pins, const UseGraph& uses,
                   const PruneRules& rules)
    : layout_(layout), pins_(pins), uses_(uses), rules_(rules) {
  rules_.kept_after_use = std::min({rules.kept_after_use, rules.original_minimum_age, rules.resized_minimum_age});
  rules_.original_minimum_age = std::chrono::seconds::max();
  rules_.resized_minimum_age = std::chrono::seconds::max();
}

cache::StayingBytes Eviction::make_room(const cache::Capacity& capacity, const OpContext& op) {
  return Sweep(layout_, pins_, uses_)
      .run(
          rules_, capacity, false, [](BaseDirectoryEntry&) {}, op)
      .staying;
}

}  // namespace basecache::prune
