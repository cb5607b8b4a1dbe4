#include "agent/cache/removal_lock.hpp"

#include <sys/stat.h>

#include <ctime>
#include <utility>

namespace basecache::cache {
namespace {

constexpr const char* kLockIsHeld = "its lock is held: a request is using or building it right now";

using Mark = std::pair<std::time_t, long>;

// When it was last used. Nothing: it isn't there.
std::optional<Mark> mark_of(const Path& base_file) {
  struct stat found {};
  if (::lstat(base_file.c_str(), &found) != 0) return std::nullopt;
  return Mark{found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

}  // namespace

RemovalLock::RemovalLock(const layout::CacheLayout& layout, const model::CacheKey& key, const BaseFileUsers& users,
                         const OpContext& op)
    : file_(layout.lock_file(key)), lock_(file_, boost::interprocess::try_to_lock) {
  if (!lock_.owns()) {
    reason_to_stay_ = kLockIsHeld;
    return;
  }
  const auto mark = mark_of(layout.base_file(key));
  lock_.unlock();
  if ((reason_to_stay_ = users.reason_to_stay(key, op))) return;
  if (!lock_.try_lock()) {
    reason_to_stay_ = kLockIsHeld;
  } else if (const auto now = mark_of(layout.base_file(key)); now && now != mark) {
    lock_.unlock();
    reason_to_stay_ = "it was used while its users were looked for";
  }
}

}  // namespace basecache::cache
