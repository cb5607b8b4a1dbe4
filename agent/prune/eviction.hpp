#pragma once

#include "agent/cache/pins.hpp"
#include "agent/cache/room_maker.hpp"
#include "agent/prune/prune_policy.hpp"
#include "agent/prune/use_graph.hpp"

namespace basecache::prune {

// Makes room for a build, by the rules of a prune but for its ages: nobody waits for what has only grown old. What is
// locked is leased or being made (the build's own unfinished transfer too), here or in another process.
class Eviction final : public cache::RoomMaker {
 public:
  Eviction(const layout::CacheLayout& layout, const cache::Pins& pins, const UseGraph& uses, const PruneRules& rules);

  cache::RoomMade make_room(const Measure& measure, const OpContext& op) override;

 private:
  const layout::CacheLayout& layout_;
  const cache::Pins& pins_;
  const UseGraph& uses_;
  PruneRules rules_;
};

}  // namespace basecache::prune
