#include "agent/prune/sweep.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/file_lock.hpp"
#include "agent/cache/leases.hpp"
#include "agent/prune/base_directory.hpp"

namespace basecache::prune {
namespace {

using Marks = std::map<std::string, struct timespec>;

bool same_mtime(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void count_removed(const PruneDecision& decision, Sweep::Outcome& outcome) {
  outcome.freed = outcome.freed + decision.entry.allocated;
  outcome.capacity = outcome.capacity.without(decision.entry.allocated);
}

}  // namespace

Sweep::Outcome Sweep::run(const PruneRules& rules, const cache::Capacity& capacity, bool dry_run,
                          const Complete& complete, const OpContext& op) const {
  // First the marks, then the usage: whoever begins to use a base file after we looked changes its mark.
  std::vector<SeenEntry> seen = look_around(layout_);
  const Usage usage = uses_.collect(op);
  std::vector<BaseDirectoryEntry> entries;
  Marks marks;
  for (SeenEntry& item : seen) {
    BaseDirectoryEntry& entry = item.entry;
    marks.emplace(entry.name, item.mtime);
    if (entry.key && !entry.is_transfer) {
      if (const auto users = usage.users.find(*entry.key); users != usage.users.end()) entry.users = users->second;
      entry.pin = pins_.reason(*entry.key);
      complete(entry);
    }
    if (!dry_run && !entry.users.empty()) cache::try_to_mark_used(layout_, *entry.key);
    entries.push_back(std::move(entry));
  }

  Outcome outcome{.unreadable = usage.unreadable, .capacity = capacity};
  bool again = true;
  while (std::exchange(again, false)) {
    std::vector<PruneDecision> plan = make_prune_plan(std::move(entries), rules, usage.unreadable, outcome.capacity);
    for (PruneDecision& decision : plan) {
      if (!decision.remove) continue;
      op.check();
      if (!dry_run) remove_unless_used_meanwhile(decision, marks.at(decision.entry.name));
      if (decision.remove) count_removed(decision, outcome);
      again = again || !decision.remove;
    }
    entries.clear();
    for (PruneDecision& decision : plan) {
      if (again && !decision.remove) {
        entries.push_back(std::move(decision.entry));
      } else {
        outcome.decisions.push_back(std::move(decision));
      }
    }
  }
  std::ranges::sort(outcome.decisions, {}, [](const PruneDecision& decision) { return decision.entry.name; });
  outcome.staying = staying_bytes(outcome.decisions, usage.unreadable.empty());
  return outcome;
}

void Sweep::remove_unless_used_meanwhile(PruneDecision& decision, const struct timespec& mark) const {
  const model::CacheKey& key = *decision.entry.key;
  const auto keep = [&](std::string reason) {
    decision.remove = false;
    decision.entry.busy = std::move(reason);
  };
  FileLock file(layout_.lock_file(key));
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns()) return keep("its lock is held: somebody is using or building it right now");
  const auto found = look_at(layout_.base_directory() / decision.entry.name);
  if (!found) {
    decision.entry.allocated = {};
    return keep("gone already");
  }
  if (!same_mtime(found->st_mtim, mark)) return keep("used since this prune began");
  if (decision.entry.is_transfer) return unlink_transfer(layout_, key, decision.entry.allocated, decision.reason);
  if (pins_.reason(key)) return keep("pinned since this prune began");
  unlink_base_file(layout_, key, decision.entry.allocated, decision.reason);
}

}  // namespace basecache::prune
