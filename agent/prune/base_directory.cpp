#include "agent/prune/base_directory.hpp"

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <ctime>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/fetch/transfer_journal.hpp"

namespace basecache::prune {
namespace {

bool is_transfer(const layout::CacheLayout& layout, const model::CacheKey& key, const Path& path,
                 const struct stat& file) {
  return S_ISREG(file.st_mode) && path == layout.fetched(key) && look_at(layout.transfer_journal(key));
}

}  // namespace

std::optional<struct stat> look_at(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return found;
  const int error = errno;
  if (error == ENOENT) return std::nullopt;
  throw Error::from_errno(error, "look at " + quote(path.native()));
}

Bytes allocated_by(const struct stat& file) { return {static_cast<std::uint64_t>(file.st_blocks) * 512}; }

std::optional<struct stat> look_at_transfer(const layout::CacheLayout& layout, const model::CacheKey& key) {
  const Path staged = layout.fetched(key);
  const auto found = look_at(staged);
  return found && is_transfer(layout, key, staged, *found) ? found : std::nullopt;
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

}  // namespace basecache::prune
