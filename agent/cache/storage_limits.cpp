#include "agent/cache/storage_limits.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::cache {
namespace {

namespace fs = boost::filesystem;

constexpr std::uint64_t kShareLeftFree = 20;
constexpr Bytes kMostLeftFree = gibibytes(10);

// What goes while it is looked at takes nothing.
Bytes allocated_below(const Path& directory) {
  Bytes total;
  boost::system::error_code failed;
  for (fs::recursive_directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    struct stat found {};
    if (::lstat(entry->path().c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    total = total + Bytes{static_cast<std::uint64_t>(found.st_blocks) * 512};
  }
  if (failed && failed != boost::system::errc::no_such_file_or_directory) {
    throw Error::from_errno(failed.value(), "look through " + quote(directory.native()));
  }
  return total;
}

}  // namespace

Capacity StorageLimits::measure(const layout::CacheLayout& layout) const {
  boost::system::error_code failed;
  const fs::space_info space = fs::space(layout.base_directory(), failed);
  if (failed)
    throw Error::from_errno(failed.value(), "look at the file system of " + quote(layout.base_directory().native()));
  Capacity capacity{.max_bytes = max_bytes};
  capacity.min_free = min_free.value_or(std::min(kMostLeftFree, Bytes{space.capacity / kShareLeftFree}));
  capacity.used = allocated_below(layout.base_directory());
  capacity.free = {space.available};
  return capacity;
}

}  // namespace basecache::cache
