#include "agent/prune/pruner.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/log.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/leases.hpp"
#include "agent/cache/refusals.hpp"
#include "agent/fetch/transfer_journal.hpp"

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

// One name of `_base` with the mark by which a later use is noticed.
struct SeenEntry {
  BaseDirectoryEntry entry;
  struct timespec mtime {};
};

std::optional<struct stat> look_at(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return found;
  const int error = errno;
  if (error == ENOENT) return std::nullopt;
  throw Error::from_errno(error, "look at " + quote(path.native()));
}

Bytes allocated_by(const struct stat& file) { return {static_cast<std::uint64_t>(file.st_blocks) * 512}; }

bool same_mtime(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool is_transfer(const layout::CacheLayout& layout, const model::CacheKey& key, const Path& path,
                 const struct stat& file) {
  return S_ISREG(file.st_mode) && path == layout.fetched(key) && look_at(layout.transfer_journal(key));
}

std::vector<SeenEntry> look_around(const layout::CacheLayout& layout) {
  std::vector<SeenEntry> seen;
  for (const auto& item : boost::filesystem::directory_iterator(layout.base_directory())) {
    const std::string name = item.path().filename().native();
    if (item.path() == layout.state_directory()) continue;
    const auto found = look_at(item.path());
    if (!found) continue;
    const auto staged = layout::staged_file_key(name);
    // What is staged without a journal belongs to a request: to a live one, or to the next start's recovery.
    if (staged && !is_transfer(layout, *staged, item.path(), *found)) continue;
    SeenEntry entry{.entry = {.name = name, .key = staged ? staged : model::CacheKey::parse(name)}};
    entry.entry.is_transfer = staged.has_value();
    entry.entry.allocated = allocated_by(*found);
    entry.entry.age = std::chrono::seconds(std::max<std::int64_t>(0, std::time(nullptr) - found->st_mtim.tv_sec));
    entry.mtime = found->st_mtim;
    if (!S_ISREG(found->st_mode)) entry.entry.key.reset();
    seen.push_back(std::move(entry));
  }
  return seen;
}

void unlink_base_file(const layout::CacheLayout& layout, const model::CacheKey& key, Bytes allocated,
                      std::string_view reason) {
  remove_file(layout.base_file(key));
  boost::system::error_code stays;  // means nothing without its base file, and goes at the next start
  boost::filesystem::remove(layout.record(key), stays);
  boost::filesystem::remove(layout.unfit(key), stays);
  log_event(LogLevel::info, "base_file_removed",
            {{"key", key.text()}, {"bytes", allocated.count}, {"reason", std::string(reason)}});
}

void unlink_transfer(const layout::CacheLayout& layout, const model::CacheKey& key, Bytes allocated,
                     std::string_view reason) {
  fetch::remove_transfer(layout, key);
  log_event(LogLevel::info, "transfer_removed",
            {{"key", key.text()}, {"bytes", allocated.count}, {"reason", std::string(reason)}});
}

}  // namespace

PruneReport Pruner::prune(bool dry_run, OpContext& op) {
  const layout::CacheLayout& layout = cache_.layout();
  // First the marks, then the usage: whoever begins to use a base file after we looked changes its mark.
  std::vector<SeenEntry> seen = look_around(layout);
  const auto step = op.steps().measure("prune");
  const Usage usage = uses_.collect(op);
  std::vector<BaseDirectoryEntry> entries;
  std::map<std::string, struct timespec> marks;
  for (SeenEntry& item : seen) {
    marks.emplace(item.entry.name, item.mtime);
    if (item.entry.key && !item.entry.is_transfer) complete(item.entry, usage);
    entries.push_back(std::move(item.entry));
  }

  PruneReport report{.dry_run = dry_run, .unreadable = usage.unreadable};
  report.decisions = make_prune_plan(std::move(entries), rules_, usage.unreadable);
  for (PruneDecision& decision : report.decisions) {
    if (!dry_run && !decision.entry.users.empty()) cache::try_to_mark_used(layout, *decision.entry.key);
    if (!decision.remove) continue;
    op.check();
    if (!dry_run) remove_unless_used_meanwhile(decision, marks.at(decision.entry.name));
    if (decision.remove) report.freed = report.freed + decision.entry.allocated;
  }
  if (!dry_run) report.refusals_forgotten = cache::Refusals(layout).forget_older_than(rules_.original_minimum_age);
  return report;
}

void Pruner::complete(BaseDirectoryEntry& entry, const Usage& usage) const {
  const auto users = usage.users.find(*entry.key);
  if (users != usage.users.end()) entry.users = users->second;
  if (const auto cached = cache_.find(*entry.key)) entry.leases = cached->leases;
  entry.pin = pins_.reason(*entry.key);
}

void Pruner::remove_unless_used_meanwhile(PruneDecision& decision, const struct timespec& mark) const {
  const layout::CacheLayout& layout = cache_.layout();
  const model::CacheKey& key = *decision.entry.key;
  const auto keep = [&](std::string reason) {
    decision.remove = false;
    decision.reason = std::move(reason);
  };
  FileLock file(layout.lock_file(key));
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns()) return keep("its lock is held: somebody is using or building it right now");
  const auto found = look_at(layout.base_directory() / decision.entry.name);
  if (!found) return keep("gone already");
  if (!same_mtime(found->st_mtim, mark)) return keep("used since this prune began");
  if (decision.entry.is_transfer) return unlink_transfer(layout, key, decision.entry.allocated, decision.reason);
  if (pins_.reason(key)) return keep("pinned since this prune began");
  unlink_base_file(layout, key, decision.entry.allocated, decision.reason);
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
  // The lock before the look at usage: with it held nobody can begin to use the base file, and whoever used it
  // before has put his disk in its place.
  FileLock file(layout.lock_file(key));
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns()) throw in_use(key, kLockIsHeld);
  if (const auto why = uses_.reason_to_stay(key, op)) throw in_use(key, *why);
  const auto entry = cache_.find(key);
  if (!entry) throw no_base_file(key);
  unlink_base_file(layout, key, entry->allocated, kAskedFor);
  return entry->allocated;
}

// Nothing: there is none.
std::optional<Bytes> Pruner::remove_transfer(const model::CacheKey& key) const {
  const layout::CacheLayout& layout = cache_.layout();
  const auto there = [&] {
    const Path staged = layout.fetched(key);
    const auto found = look_at(staged);
    return found && is_transfer(layout, key, staged, *found) ? found : std::nullopt;
  };
  if (!there()) return std::nullopt;
  FileLock file(layout.lock_file(key));
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns()) throw in_use(key, kLockIsHeld);
  const auto found = there();
  if (!found) return std::nullopt;
  const Bytes allocated = allocated_by(*found);
  unlink_transfer(layout, key, allocated, kAskedFor);
  return allocated;
}

}  // namespace basecache::prune
