#include "agent/prune/prune_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace basecache::prune {
namespace {

std::string age_text(std::chrono::seconds age) {
  if (age < std::chrono::minutes(2)) return fmt::format("{} s", age.count());
  if (age < std::chrono::hours(2)) return fmt::format("{} min", age.count() / 60);
  if (age < std::chrono::hours(48)) return fmt::format("{} h", age.count() / 3600);
  return fmt::format("{} days", age.count() / 86400);
}

std::chrono::seconds minimum_age(const model::CacheKey& key, const PruneRules& rules) {
  return key.kind() == model::CacheKey::Kind::resized_image ? rules.resized_minimum_age : rules.original_minimum_age;
}

// Why the entry stays, however much room is needed; nothing when it may go.
std::optional<std::string> reason_to_stay(const BaseDirectoryEntry& entry, const PruneRules& rules, bool usage_known) {
  if (entry.busy) return entry.busy;
  if (entry.is_transfer) return std::nullopt;  // nobody uses it: neither usage nor the switch for base images matter
  if (!entry.key) return "unexplained file: not a name that the cache makes, left alone";
  if (!entry.users.empty()) return used_by(entry.users);
  if (entry.leases > 0) return fmt::format("leased by {} running request(s)", entry.leases);
  if (entry.pin) return entry.pin->empty() ? "pinned" : "pinned: " + *entry.pin;
  if (!usage_known) return "nobody is known to use it, but usage could not be read completely";
  if (!rules.remove_unused_base_images) return "unused, but remove_unused_base_images is off";
  return std::nullopt;
}

bool was_used_now(const BaseDirectoryEntry& entry, const PruneRules& rules) {
  return entry.age < std::min(rules.kept_after_use, minimum_age(*entry.key, rules));
}

// Why it goes without anybody needing room; nothing when it doesn't.
std::optional<std::string> reason_to_go(const BaseDirectoryEntry& entry, const PruneRules& rules) {
  if (entry.withdrawn && !entry.is_transfer && !was_used_now(entry, rules)) return "unused, and " + *entry.withdrawn;
  const std::chrono::seconds minimum = minimum_age(*entry.key, rules);
  if (entry.age < minimum) return std::nullopt;
  return fmt::format("{} for {} (minimum {})", entry.is_transfer ? "unfinished transfer, abandoned" : "unused",
                     age_text(entry.age), age_text(minimum));
}

std::string too_young(const BaseDirectoryEntry& entry, const PruneRules& rules) {
  return fmt::format("{} only {} ago (minimum {})",
                     entry.is_transfer ? "unfinished transfer, gone on with" : "unused, but last used",
                     age_text(entry.age), age_text(minimum_age(*entry.key, rules)));
}

PruneDecision decide(BaseDirectoryEntry entry, const PruneRules& rules, bool usage_known) {
  PruneDecision decision{.entry = std::move(entry), .remove = false, .reason = {}};
  if (auto stays = reason_to_stay(decision.entry, rules, usage_known)) {
    decision.reason = *std::move(stays);
  } else if (auto goes = reason_to_go(decision.entry, rules)) {
    decision.remove = true;
    decision.reason = *std::move(goes);
  } else {
    decision.reason = too_young(decision.entry, rules);
  }
  return decision;
}

bool may_go_for_room(const PruneDecision& decision, const PruneRules& rules, bool usage_known) {
  const BaseDirectoryEntry& entry = decision.entry;
  if (decision.remove || entry.allocated.count == 0 || reason_to_stay(entry, rules, usage_known)) return false;
  return entry.is_transfer || !was_used_now(entry, rules);
}

bool goes_before(const PruneDecision* a, const PruneDecision* b) {
  if (a->entry.is_transfer != b->entry.is_transfer) return a->entry.is_transfer;
  if (a->entry.age != b->entry.age) return a->entry.age > b->entry.age;
  if (a->entry.allocated != b->entry.allocated) return a->entry.allocated > b->entry.allocated;
  return a->entry.name < b->entry.name;
}

void remove_for_room(std::vector<PruneDecision>& plan, const PruneRules& rules, bool usage_known,
                     cache::Capacity capacity) {
  std::vector<PruneDecision*> candidates;
  Bytes all;
  for (PruneDecision& decision : plan) {
    if (decision.remove) capacity = capacity.without(decision.entry.allocated);
    if (!may_go_for_room(decision, rules, usage_known)) continue;
    candidates.push_back(&decision);
    all = all + decision.entry.allocated;
  }
  if (capacity.all_or_nothing && capacity.without(all).excess().count > 0) {
    capacity = capacity.required();
    if (capacity.without(all).excess().count > 0) return;
  }
  std::ranges::sort(candidates, goes_before);
  for (PruneDecision* candidate : candidates) {
    if (capacity.excess().count == 0) return;
    const BaseDirectoryEntry& entry = candidate->entry;
    candidate->remove = true;
    candidate->reason =
        fmt::format("{} {} ago; {}", entry.is_transfer ? "unfinished transfer, gone on with" : "unused, last used",
                    age_text(entry.age), capacity.limit_met());
    capacity = capacity.without(entry.allocated);
  }
}

}  // namespace

std::string used_by(const std::vector<std::string>& users) {
  std::string text = "used by " + users.front();
  if (users.size() > 1) text += fmt::format(" and {} more", users.size() - 1);
  return text;
}

std::vector<PruneDecision> make_prune_plan(std::vector<BaseDirectoryEntry> entries, const PruneRules& rules,
                                           const std::vector<std::string>& unreadable,
                                           const cache::Capacity& capacity) {
  std::ranges::sort(entries, {}, &BaseDirectoryEntry::name);
  const bool usage_known = unreadable.empty();
  std::vector<PruneDecision> plan;
  plan.reserve(entries.size());
  for (BaseDirectoryEntry& entry : entries) plan.push_back(decide(std::move(entry), rules, usage_known));
  remove_for_room(plan, rules, usage_known, capacity);
  return plan;
}

cache::StayingBytes staying_bytes(const std::vector<PruneDecision>& plan, bool usage_known) {
  cache::StayingBytes staying{.usage_unknown = !usage_known};
  for (const PruneDecision& decision : plan) {
    const BaseDirectoryEntry& entry = decision.entry;
    if (decision.remove) continue;
    Bytes& why = !entry.users.empty()             ? staying.under_disks
                 : entry.leases > 0 || entry.busy ? staying.leased
                 : entry.pin                      ? staying.pinned
                                                  : staying.others;
    why = why + entry.allocated;
  }
  return staying;
}

}  // namespace basecache::prune
