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

// Nobody uses a broken transfer: neither usage nor the switch for base images matter.
std::optional<std::string> reason_to_keep_transfer(const BaseDirectoryEntry& entry, const PruneRules& rules) {
  if (entry.age >= rules.original_minimum_age) return std::nullopt;
  return fmt::format("unfinished transfer, gone on with only {} ago (minimum {})", age_text(entry.age),
                     age_text(rules.original_minimum_age));
}

// Why the entry stays; nothing when it may go.
std::optional<std::string> reason_to_keep(const BaseDirectoryEntry& entry, const PruneRules& rules, bool usage_known) {
  if (entry.is_transfer) return reason_to_keep_transfer(entry, rules);
  if (!entry.key) return "unexplained file: not a name that the cache makes, left alone";
  if (!entry.users.empty()) return used_by(entry.users);
  if (entry.leases > 0) return fmt::format("leased by {} running request(s)", entry.leases);
  if (entry.pin) return entry.pin->empty() ? "pinned" : "pinned: " + *entry.pin;
  if (!usage_known) return "nobody is known to use it, but usage could not be read completely";
  if (!rules.remove_unused_base_images) return "unused, but remove_unused_base_images is off";
  const std::chrono::seconds minimum = minimum_age(*entry.key, rules);
  if (entry.age < minimum) {
    return fmt::format("unused, but last used only {} ago (minimum {})", age_text(entry.age), age_text(minimum));
  }
  return std::nullopt;
}

std::string reason_to_remove(const BaseDirectoryEntry& entry, const PruneRules& rules) {
  return fmt::format("{} for {} (minimum {})", entry.is_transfer ? "unfinished transfer, abandoned" : "unused",
                     age_text(entry.age), age_text(minimum_age(*entry.key, rules)));
}

}  // namespace

std::string used_by(const std::vector<std::string>& users) {
  std::string text = "used by " + users.front();
  if (users.size() > 1) text += fmt::format(" and {} more", users.size() - 1);
  return text;
}

std::vector<PruneDecision> make_prune_plan(std::vector<BaseDirectoryEntry> entries, const PruneRules& rules,
                                           const std::vector<std::string>& unreadable) {
  std::ranges::sort(entries, {}, &BaseDirectoryEntry::name);
  std::vector<PruneDecision> plan;
  plan.reserve(entries.size());
  for (BaseDirectoryEntry& entry : entries) {
    const std::optional<std::string> keep = reason_to_keep(entry, rules, unreadable.empty());
    const std::string reason = keep ? *keep : reason_to_remove(entry, rules);
    plan.push_back({.entry = std::move(entry), .remove = !keep, .reason = reason});
  }
  return plan;
}

}  // namespace basecache::prune
