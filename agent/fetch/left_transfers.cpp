#include "agent/fetch/left_transfers.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cstdint>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "agent/base/file_lock.hpp"
#include "agent/fetch/transfer_journal.hpp"

namespace basecache::fetch {
namespace {

constexpr std::uint64_t kShareOfFileSystem = 10;

struct Left {
  model::CacheKey key;
  struct timespec written {};
};

std::optional<struct stat> look_at_staged_file(const layout::CacheLayout& layout, const model::CacheKey& key) {
  struct stat found {};
  if (::lstat(layout.fetched(key).c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  return found;
}

Bytes allocated_by(const layout::CacheLayout& layout, const model::CacheKey& key) {
  const auto found = look_at_staged_file(layout, key);
  return {found ? static_cast<std::uint64_t>(found->st_blocks) * 512 : 0};
}

bool is_newer(const Left& a, const Left& b) {
  return std::pair(a.written.tv_sec, a.written.tv_nsec) > std::pair(b.written.tv_sec, b.written.tv_nsec);
}

// Those with a journal but `except`, the newest first.
std::vector<Left> find_left(const layout::CacheLayout& layout, const model::CacheKey& except) {
  std::vector<Left> left;
  for (const auto& entry : boost::filesystem::directory_iterator(layout.transfer_directory())) {
    const auto key = model::CacheKey::parse(entry.path().stem().native());
    if (!key || *key == except) continue;
    if (const auto staged = look_at_staged_file(layout, *key)) left.push_back({*key, staged->st_mtim});
  }
  std::sort(left.begin(), left.end(), is_newer);
  return left;
}

}  // namespace

Bytes most_left_bytes(const layout::CacheLayout& layout) noexcept {
  boost::system::error_code failed;  // then the capacity is the highest number
  return {boost::filesystem::space(layout.base_directory(), failed).capacity / kShareOfFileSystem};
}

Bytes limit_left_transfers(const layout::CacheLayout& layout, const model::CacheKey& just_left, Bytes most) noexcept {
  Bytes freed;
  try {
    Bytes total = allocated_by(layout, just_left);
    for (const Left& item : find_left(layout, just_left)) {
      FileLock file(layout.lock_file(item.key));
      const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
      if (!lock.owns()) continue;
      const Bytes allocated = allocated_by(layout, item.key);
      total = total + allocated;
      if (total <= most) continue;
      remove_transfer(layout, item.key);
      freed = freed + allocated;
    }
  } catch (const std::exception&) {
    // The next one to leave a transfer tries again.
  }
  return freed;
}

}  // namespace basecache::fetch
