#include "agent/prune/eviction.hpp"

#include <algorithm>

#include "agent/base/file_lock.hpp"
#include "agent/prune/sweep.hpp"

namespace basecache::prune {

Eviction::Eviction(const layout::CacheLayout& layout, const cache::Pins& pins, const UseGraph& uses,
                   const PruneRules& rules)
    : layout_(layout), pins_(pins), uses_(uses), rules_(rules) {
  rules_.kept_after_use = std::min({rules.kept_after_use, rules.original_minimum_age, rules.resized_minimum_age});
  rules_.original_minimum_age = std::chrono::seconds::max();
  rules_.resized_minimum_age = std::chrono::seconds::max();
}

cache::RoomMade Eviction::make_room(const Measure& measure, const OpContext& op) {
  const auto complete = [&](BaseDirectoryEntry& entry) {
    if (is_held(layout_.lock_file(*entry.key))) entry.busy = kIsLocked;
  };
  const Sweep::Outcome swept = Sweep(layout_, pins_, uses_).run(rules_, measure, false, complete, op);
  return {.freed = swept.freed, .staying = swept.staying};
}

}  // namespace basecache::prune
