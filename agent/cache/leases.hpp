#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "agent/base/file_lock.hpp"
#include "agent/cache/lease.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// The in-use mark that Nova and our pruner read: the base file's mtime. At the clock's full resolution (UTIME_NOW has
// the tick's), because the pruner compares it with what it saw before it took the lock.
void mark_used(const BaseFile& base);
// The same for one that may have gone meanwhile; what can't be marked stays as it is.
void try_to_mark_used(const layout::CacheLayout& layout, const model::CacheKey& key) noexcept;

// Hands out the holds behind leases and counts them by key. Must outlive them.
class Leases {
 public:
  explicit Leases(const layout::CacheLayout& layout) : layout_(layout) {}

  // Waits for the shared lock of the key.
  std::shared_ptr<BaseFileLease::Held> hold(const model::CacheKey& key, const OpContext& op);

  // Turns the builder's exclusive lock into a shared one, with no moment in between in which neither is held.
  std::shared_ptr<BaseFileLease::Held> hold(const model::CacheKey& key, std::unique_ptr<FileLock> file,
                                            ExclusiveLock exclusive);

  std::size_t count(const model::CacheKey& key) const;

 private:
  friend struct BaseFileLease::Held;

  std::shared_ptr<BaseFileLease::Held> count_in(const model::CacheKey& key, std::unique_ptr<FileLock> file,
                                                SharedLock lock);
  void count_out(const model::CacheKey& key);

  const layout::CacheLayout& layout_;
  mutable std::mutex mutex_;
  std::map<model::CacheKey, std::size_t> counts_;
};

struct BaseFileLease::Held {
  Held(Leases& counted_in, model::CacheKey held_key, std::unique_ptr<FileLock> lock_file, SharedLock shared_lock)
      : leases(counted_in), key(std::move(held_key)), file(std::move(lock_file)), lock(std::move(shared_lock)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  // Marked once more at the end: a pruner that read usage while the holder's disk wasn't in its place yet sees that
  // the base file was used meanwhile.
  ~Held();

  Leases& leases;
  model::CacheKey key;
  std::unique_ptr<FileLock> file;  // outlives `lock`
  SharedLock lock;
};

}  // namespace basecache::cache
