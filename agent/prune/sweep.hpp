#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/pins.hpp"
#include "agent/cache/room_maker.hpp"
#include "agent/cache/storage_limits.hpp"
#include "agent/prune/prune_policy.hpp"
#include "agent/prune/use_graph.hpp"

namespace basecache::prune {

inline constexpr const char* kIsLocked = "its lock is held: somebody is using or building it right now";

// One pass over `_base`: what is there, what the plan says of it, and its carrying out. Of several at once, of other
// processes too, one at a time measures, plans and removes, so that they don't make the same room twice.
class Sweep {
 public:
  struct Outcome {
    std::vector<PruneDecision> decisions = {};  // sorted by name; `remove` is what really happened (or would)
    Bytes freed = {};                           // allocated bytes of what was (would be) removed
    std::vector<std::string> unreadable = {};   // why no base file could be removed
    cache::Capacity capacity = {};              // as it is then
    cache::StayingBytes staying = {};
  };
  // Adds to base files and transfers what only the caller knows: leases of this process, whether an image was
  // withdrawn. Called without locks. May take minutes: then, and where one was withdrawn, usage is collected again.
  using Complete = std::function<void(BaseDirectoryEntry&)>;

  using Measure = cache::RoomMaker::Measure;

  Sweep(const layout::CacheLayout& layout, const cache::Pins& pins, const UseGraph& uses)
      : layout_(layout), pins_(pins), uses_(uses) {}

  // Decides by usage, leases, pins, ages and room, then takes each file's lock and looks again before it removes. Where
  // that keeps one, it measures and plans again, for others may have to go in its place. All or nothing: nothing is
  // removed before all that has to go is locked. What is in use is marked as used, as by Nova's.
  Outcome run(const PruneRules& rules, const Measure& measure, bool dry_run, const Complete& complete,
              const OpContext& op) const;

 private:
  const layout::CacheLayout& layout_;
  const cache::Pins& pins_;
  const UseGraph& uses_;
};

}  // namespace basecache::prune
