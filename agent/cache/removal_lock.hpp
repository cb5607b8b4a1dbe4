#pragma once

#include <optional>
#include <string>

#include "agent/base/file_lock.hpp"
#include "agent/base/op_context.hpp"
#include "agent/cache/base_file_users.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::cache {

// The exclusive lock of a base file that nobody uses, for who takes it away. Who uses it is asked, which may wait for
// the hypervisor, with no lock held, so that requests go on meanwhile; one that began to use it has marked it by then
// (mark_used), and keeps it. Never waits for the lock.
class RemovalLock {
 public:
  RemovalLock(const layout::CacheLayout& layout, const model::CacheKey& key, const BaseFileUsers& users,
              const OpContext& op);

  // Why the base file has to stay; the lock isn't held then. Nothing: it is held until this object goes.
  const std::optional<std::string>& reason_to_stay() const { return reason_to_stay_; }

 private:
  FileLock file_;
  ExclusiveLock lock_;
  std::optional<std::string> reason_to_stay_;
};

}  // namespace basecache::cache
