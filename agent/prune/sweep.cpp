#include "agent/prune/sweep.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/file_lock.hpp"
#include "agent/cache/leases.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/prune/base_directory.hpp"

namespace basecache::prune {
namespace {

constexpr std::chrono::seconds kUsageHolds{5};

using Marks = std::map<std::string, struct timespec>;

bool same_mtime(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void set_users(BaseDirectoryEntry& entry, const Usage& usage) {
  const auto users = usage.users.find(*entry.key);
  entry.users = users == usage.users.end() ? std::vector<std::string>{} : users->second;
}

void keep(PruneDecision& decision, std::string reason) {
  decision.remove = false;
  decision.entry.busy = std::move(reason);
}

Bytes removed_bytes(const std::vector<PruneDecision>& plan) {
  Bytes total;
  for (const PruneDecision& decision : plan) {
    if (decision.remove) total = total + decision.entry.allocated;
  }
  return total;
}

// Then the next to measure has to see what has gone.
bool lacks_free_space(cache::Capacity capacity) {
  capacity.max_bytes.reset();
  return capacity.excess().count > 0;
}

struct HeldKey {
  explicit HeldKey(Path path) : file(std::move(path)), lock(file, boost::interprocess::try_to_lock) {}

  FileLock file;
  ExclusiveLock lock;
};

// Carries out one plan. What can't be removed is turned round in it.
class Removal {
 public:
  Removal(const layout::CacheLayout& layout, const cache::Pins& pins, const Marks& marks, const OpContext& op)
      : layout_(layout), pins_(pins), marks_(marks), op_(op) {}

  void each(std::vector<PruneDecision>& plan) const {
    for (PruneDecision& decision : plan) {
      if (!decision.remove) continue;
      op_.check();
      const HeldKey held(layout_.lock_file(*decision.entry.key));
      if (may_go(decision, held)) unlink(decision);
    }
  }

  void all_or_nothing(std::vector<PruneDecision>& plan) const {
    std::map<model::CacheKey, HeldKey> held;  // a base file and a transfer of it have the same lock
    bool all = true;
    for (PruneDecision& decision : plan) {
      if (!decision.remove) continue;
      op_.check();
      const model::CacheKey& key = *decision.entry.key;
      all = may_go(decision, held.try_emplace(key, layout_.lock_file(key)).first->second) && all;
    }
    for (PruneDecision& decision : plan) {
      if (!decision.remove) continue;
      if (all) {
        unlink(decision);
      } else {
        decision.remove = false;
      }
    }
  }

 private:
  bool may_go(PruneDecision& decision, const HeldKey& held) const {
    const model::CacheKey& key = *decision.entry.key;
    if (!held.lock.owns()) {
      keep(decision, kIsLocked);
    } else if (const auto found = look_at(layout_.base_directory() / decision.entry.name); !found) {
      decision.entry.allocated = {};
      keep(decision, "gone already");
    } else if (!same_mtime(found->st_mtim, marks_.at(decision.entry.name))) {
      keep(decision, "used since this prune began");
    } else if (!decision.entry.is_transfer && pins_.reason(key)) {
      keep(decision, "pinned since this prune began");
    }
    return decision.remove;
  }

  void unlink(const PruneDecision& decision) const {
    const BaseDirectoryEntry& entry = decision.entry;
    const auto remove = entry.is_transfer ? unlink_transfer : unlink_base_file;
    remove(layout_, *entry.key, entry.allocated, decision.reason);
  }

  const layout::CacheLayout& layout_;
  const cache::Pins& pins_;
  const Marks& marks_;
  const OpContext& op_;
};

}  // namespace

Sweep::Outcome Sweep::run(const PruneRules& rules, const Measure& measure, bool dry_run, const Complete& complete,
                          const OpContext& op) const {
  // First the marks, then the usage: whoever begins to use a base file after we looked changes its mark.
  std::vector<SeenEntry> seen = look_around(layout_);
  Usage usage = uses_.collect(op, !dry_run);
  const auto collected = OpContext::Clock::now();
  bool is_any_withdrawn = false;
  std::vector<BaseDirectoryEntry> entries;
  Marks marks;
  for (SeenEntry& item : seen) {
    BaseDirectoryEntry& entry = item.entry;
    marks.emplace(entry.name, item.mtime);
    if (entry.key && !entry.is_transfer) {
      set_users(entry, usage);
      entry.pin = pins_.reason(*entry.key);
    }
    if (entry.key) complete(entry);
    is_any_withdrawn = is_any_withdrawn || entry.withdrawn;
    entries.push_back(std::move(entry));
  }
  if (is_any_withdrawn || OpContext::Clock::now() - collected > kUsageHolds) usage = uses_.collect(op);
  for (BaseDirectoryEntry& entry : entries) {
    if (entry.key && !entry.is_transfer) set_users(entry, usage);
    if (!dry_run && !entry.users.empty()) cache::try_to_mark_used(layout_, *entry.key);
  }

  // Nobody asks libvirt with this lock held: a build that a hook waits for may wait for it.
  layout::make_state_directory(layout_, layout_.instance_lock_directory());
  FileLock file(layout_.room_lock());
  ExclusiveLock turn(file, boost::interprocess::defer_lock);
  if (!dry_run) turn = lock_exclusive(file, op);

  Outcome outcome{.unreadable = usage.unreadable};
  const Removal removal(layout_, pins_, marks, op);
  bool again = true;
  while (std::exchange(again, false)) {
    const cache::Capacity before = measure();
    std::vector<PruneDecision> plan = make_prune_plan(std::move(entries), rules, usage.unreadable, before);
    const auto wanted = std::ranges::count(plan, true, &PruneDecision::remove);
    if (!dry_run) before.all_or_nothing ? removal.all_or_nothing(plan) : removal.each(plan);
    again = std::ranges::count(plan, true, &PruneDecision::remove) < wanted;
    const Bytes freed = removed_bytes(plan);
    outcome.freed = outcome.freed + freed;
    outcome.capacity = before.without(freed);
    if (!dry_run && lacks_free_space(before)) cache::wait_until_free(layout_, before.free, freed, op);
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
  outcome.staying.quarantined = cache::allocated_below(layout_.quarantine_directory());
  return outcome;
}

}  // namespace basecache::prune
