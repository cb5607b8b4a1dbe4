#include "agent/cache/leases.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

int set_mtime_to_now(const Path& path) {
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const struct timespec times[2] = {now, now};
  return ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

void mark_used(const BaseFile& base) {
  if (set_mtime_to_now(base.path()) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "mark base file " + quote(base.path().native()) + " as used");
  }
}

void try_to_mark_used(const layout::CacheLayout& layout, const model::CacheKey& key) noexcept {
  (void)set_mtime_to_now(layout.base_file(key));
}

BaseFileLease::Held::~Held() {
  try_to_mark_used(leases.layout_, key);
  leases.count_out(key);
}

std::string_view name_of(HowAcquired how) {
  switch (how) {
    case HowAcquired::hit:
      return "hit";
    case HowAcquired::joined:
      return "joined";
    case HowAcquired::built:
      return "built";
  }
  return "";
}

std::shared_ptr<BaseFileLease::Held> Leases::hold(const model::CacheKey& key, const OpContext& op) {
  auto file = std::make_unique<FileLock>(layout_.lock_file(key));
  SharedLock lock = lock_shared(*file, op);
  return count_in(key, std::move(file), std::move(lock));
}

std::shared_ptr<BaseFileLease::Held> Leases::hold(const model::CacheKey& key, std::unique_ptr<FileLock> file,
                                                  ExclusiveLock exclusive) {
  SharedLock lock(boost::move(exclusive));
  return count_in(key, std::move(file), std::move(lock));
}

std::shared_ptr<BaseFileLease::Held> Leases::count_in(const model::CacheKey& key, std::unique_ptr<FileLock> file,
                                                      SharedLock lock) {
  {
    const std::lock_guard guard(mutex_);
    ++counts_[key];
  }
  return std::make_shared<BaseFileLease::Held>(*this, key, std::move(file), std::move(lock));
}

void Leases::count_out(const model::CacheKey& key) {
  const std::lock_guard guard(mutex_);
  const auto found = counts_.find(key);
  if (--found->second == 0) counts_.erase(found);
}

std::size_t Leases::count(const model::CacheKey& key) const {
  const std::lock_guard guard(mutex_);
  const auto found = counts_.find(key);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace basecache::cache
