#pragma once

#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/cache/pins.hpp"
#include "agent/prune/image_standing.hpp"
#include "agent/prune/prune_policy.hpp"
#include "agent/prune/sweep.hpp"
#include "agent/prune/use_graph.hpp"

namespace basecache::prune {

struct PruneReport {
  bool dry_run = false;
  std::vector<PruneDecision> decisions = {};  // sorted by name; `remove` is what really happened (or would)
  Bytes freed = {};                           // allocated bytes of what was (would be) removed
  std::vector<std::string> unreadable = {};   // why no base file could be removed
  std::size_t refusals_forgotten = 0;         // of images, by age
  cache::Capacity capacity = {};              // afterwards; what exceeds it couldn't go
  cache::StayingBytes staying = {};
};

// The use case: unused base files go, by age and where they are in the way of the limits, what broken transfers left,
// and what is remembered of refused images.
class Pruner {
 public:
  // `standing` null: nobody is asked whether images are still handed out.
  Pruner(const cache::ImageCache& cache, const cache::Pins& pins, const UseGraph& uses, PruneRules rules,
         cache::StorageLimits limits = {}, ImageStanding* standing = nullptr)
      : cache_(cache), pins_(pins), uses_(uses), rules_(rules), limits_(limits), standing_(standing) {}

  // The age that counts begins with the last prune that saw a user.
  PruneReport prune(bool dry_run, OpContext& op);

  // Removes one base file whatever its age, or what a broken transfer of it left, and forgets that its image was
  // refused. Error(not_found) when there is none of them, Error(in_use) naming user, lease or pin.
  Bytes remove(const model::CacheKey& key, OpContext& op);

  // How full the cache is, and may get.
  cache::Capacity capacity() const { return limits_.measure(cache_.layout()); }

 private:
  std::optional<Bytes> remove_transfer(const model::CacheKey& key) const;
  bool may_be_withdrawn(const BaseDirectoryEntry& entry) const;
  std::optional<std::string> withdrawn(const model::CacheKey& key, const OpContext& op) const;

  const cache::ImageCache& cache_;
  const cache::Pins& pins_;
  const UseGraph& uses_;
  PruneRules rules_;
  cache::StorageLimits limits_;
  ImageStanding* standing_;
};

}  // namespace basecache::prune
