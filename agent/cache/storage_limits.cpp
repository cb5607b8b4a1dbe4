#include "agent/cache/storage_limits.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <chrono>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

namespace fs = boost::filesystem;

constexpr std::uint64_t kShareLeftFree = 20;
constexpr Bytes kMostLeftFree = gibibytes(10);

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr int kMostLooks = 40;

fs::space_info space_of(const layout::CacheLayout& layout) {
  boost::system::error_code failed;
  const fs::space_info space = fs::space(layout.base_directory(), failed);
  if (failed) {
    throw Error::from_errno(failed.value(), "look at the file system of " + quote(layout.base_directory().native()));
  }
  return space;
}

}  // namespace

// Not by a recursive iterator, which ends at a directory that goes under it.
Bytes allocated_below(const Path& directory) {
  Bytes total;
  boost::system::error_code failed;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
    struct stat found {};
    if (::lstat(entry->path().c_str(), &found) != 0) continue;
    if (S_ISREG(found.st_mode)) total = total + Bytes{static_cast<std::uint64_t>(found.st_blocks) * 512};
    if (S_ISDIR(found.st_mode)) total = total + allocated_below(entry->path());
  }
  if (failed && failed != boost::system::errc::no_such_file_or_directory) {
    throw Error::from_errno(failed.value(), "look through " + quote(directory.native()));
  }
  return total;
}

void wait_until_free(const layout::CacheLayout& layout, Bytes before, Bytes freed, const OpContext& op) {
  for (int look = 0; look < kMostLooks && freed.count > 0 && !op.hook_wait().is_on(); ++look) {
    if (Bytes{space_of(layout).available} >= before + freed) return;
    op.wait_for(kBetweenLooks);
  }
}

Capacity StorageLimits::measure(const layout::CacheLayout& layout) const {
  const fs::space_info space = space_of(layout);
  Capacity capacity{.max_bytes = max_bytes};
  capacity.min_free_is_wish = !min_free;
  capacity.min_free = min_free.value_or(std::min(kMostLeftFree, Bytes{space.capacity / kShareLeftFree}));
  capacity.used = allocated_below(layout.base_directory());
  capacity.free = {space.available};
  return capacity;
}

}  // namespace basecache::cache
