#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/cache/pins.hpp"
#include "agent/prune/prune_policy.hpp"
#include "agent/prune/use_graph.hpp"

namespace basecache::prune {

struct PruneReport {
  bool dry_run = false;
  std::vector<PruneDecision> decisions = {};  // sorted by name; `remove` is what really happened (or would)
  Bytes freed = {};                           // allocated bytes of what was (would be) removed
  std::vector<std::string> unreadable = {};   // why nothing could be removed
  std::size_t refusals_forgotten = 0;         // of images, by age
};

// The use case: unused base files go, what broken transfers left, and what is remembered of refused images.
class Pruner {
 public:
  Pruner(const cache::ImageCache& cache, const cache::Pins& pins, const UseGraph& uses, PruneRules rules)
      : cache_(cache), pins_(pins), uses_(uses), rules_(rules) {}

  // Decides by usage, leases, pins and ages, then takes each file's lock and looks again before it removes. What is in
  // use is marked as used, as by Nova's: the age that counts begins with the last prune that saw a user.
  PruneReport prune(bool dry_run, OpContext& op);

  // Removes one base file whatever its age, or what a broken transfer of it left, and forgets that its image was
  // refused. Error(not_found) when there is none of them, Error(in_use) naming user, lease or pin.
  Bytes remove(const model::CacheKey& key, OpContext& op);

 private:
  std::optional<Bytes> remove_transfer(const model::CacheKey& key) const;
  void complete(BaseDirectoryEntry& entry, const Usage& usage) const;
  // Turns the decision round when somebody holds the lock or the file's mtime isn't `mark` any more.
  void remove_unless_used_meanwhile(PruneDecision& decision, const struct timespec& mark) const;

  const cache::ImageCache& cache_;
  const cache::Pins& pins_;
  const UseGraph& uses_;
  PruneRules rules_;
};

}  // namespace basecache::prune
