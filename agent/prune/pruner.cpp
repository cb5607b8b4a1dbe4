#include "agent/prune/pruner.hpp"

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/cache/refusals.hpp"
#include "agent/cache/removal_lock.hpp"
#include "agent/prune/base_directory.hpp"

namespace basecache::prune {
namespace {

constexpr std::string_view kAskedFor = "asked for";
constexpr const char* kLockIsHeld = "its lock is held: a request is using or building it right now";

Error no_base_file(const model::CacheKey& key) {
  return Error(ErrorCode::not_found, "there is no base file " + key.text());
}

Error in_use(const model::CacheKey& key, const std::string& why) {
  return Error(ErrorCode::in_use, "cannot remove base file " + key.text() + ": " + why);
}

}  // namespace

PruneReport Pruner::prune(bool dry_run, OpContext& op) {
  const layout::CacheLayout& layout = cache_.layout();
  const auto step = op.steps().measure("prune");
  if (!dry_run) uses_.tell_nodes(op);
  const auto complete = [&](BaseDirectoryEntry& entry) {
    if (entry.is_transfer) return;
    if (const auto cached = cache_.find(*entry.key)) entry.leases = cached->leases;
    if (may_be_withdrawn(entry)) entry.withdrawn = withdrawn(*entry.key, op);
  };
  const auto measure = [&] { return limits_.measure(layout); };
  Sweep::Outcome swept = Sweep(layout, pins_, uses_.after_hooks()).run(rules_, measure, dry_run, complete, op);
  PruneReport report{.dry_run = dry_run,
                     .decisions = std::move(swept.decisions),
                     .freed = swept.freed,
                     .unreadable = std::move(swept.unreadable),
                     .capacity = swept.capacity,
                     .staying = swept.staying};
  if (!dry_run) report.refusals_forgotten = cache::Refusals(layout).forget_older_than(rules_.original_minimum_age);
  return report;
}

Bytes Pruner::remove(const model::CacheKey& key, OpContext& op) {
  op.check();
  const layout::CacheLayout& layout = cache_.layout();
  if (!cache_.find(key)) {
    const std::optional<Bytes> freed = remove_transfer(key);
    if (!cache::Refusals(layout).forget(key) && !freed) throw no_base_file(key);
    return freed.value_or(Bytes{0});
  }
  if (const auto reason = pins_.reason(key)) {
    throw in_use(key, reason->empty() ? "it is pinned" : "it is pinned: " + *reason)
        .set_hint("'basecache cache unpin " + key.text() + "' first");
  }
  const cache::RemovalLock lock(layout, key, uses_.after_hooks(), op);
  if (const auto& why = lock.reason_to_stay()) throw in_use(key, *why);
  if (pins_.reason(key)) throw in_use(key, "it was pinned just now");
  const auto entry = cache_.find(key);
  if (!entry) throw no_base_file(key);
  unlink_base_file(layout, key, entry->allocated, kAskedFor);
  return entry->allocated;
}

// Only what could go.
bool Pruner::may_be_withdrawn(const BaseDirectoryEntry& entry) const {
  return standing_ != nullptr && rules_.remove_unused_base_images && entry.users.empty() && entry.leases == 0 &&
         !entry.pin && entry.key->kind() == model::CacheKey::Kind::image;
}

std::optional<std::string> Pruner::withdrawn(const model::CacheKey& key, const OpContext& op) const {
  const auto record = cache::read_record(cache_.layout(), key);
  if (!record) return std::nullopt;
  try {
    const auto ref = model::ImageRef::parse(record->origin, "origin");
    // A record keeps no credentials: what is left of a ref that had some is another one.
    if (model::CacheKey::for_image(ref.text()) != key) return std::nullopt;
    return standing_->withdrawn(ref, op);
  } catch (const Error&) {
    return std::nullopt;  // of a base file of another kind, or a record that somebody wrote
  }
}

// Nothing: there is none.
std::optional<Bytes> Pruner::remove_transfer(const model::CacheKey& key) const {
  const layout::CacheLayout& layout = cache_.layout();
  if (!look_at_transfer(layout, key)) return std::nullopt;
  FileLock file(layout.lock_file(key));
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns()) throw in_use(key, kLockIsHeld);
  const auto found = look_at_transfer(layout, key);
  if (!found) return std::nullopt;
  const Bytes allocated = allocated_by(*found);
  unlink_transfer(layout, key, allocated, kAskedFor);
  return allocated;
}

}  // namespace basecache::prune
