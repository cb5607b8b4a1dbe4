#include "agent/cache/recovery.hpp"

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <functional>

#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/fetch/transfer_journal.hpp"

namespace basecache::cache {
namespace {

namespace fs = boost::filesystem;

std::vector<std::string> names_in(const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().native());
  return names;
}

// Removes `path` when the lock at `lock_path` is free and, looked at under the lock, `is_dead` says so.
void remove_if_free(const Path& lock_path, const Path& path, const std::function<bool()>& is_dead,
                    std::vector<Path>& removed) {
  FileLock file(lock_path);
  const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
  if (!lock.owns() || !is_dead()) return;
  fs::remove_all(path);
  removed.push_back(path);
}

bool always() { return true; }

// A transfer that a later request can go on with stays.
void recover_staged_files(const layout::CacheLayout& layout, std::vector<Path>& removed) {
  for (const std::string& name : names_in(layout.base_directory())) {
    const auto key = layout::staged_file_key(name);
    if (!key) continue;
    const Path path = layout.base_directory() / name;
    const auto is_dead = [&] { return path != layout.fetched(*key) || !fetch::find_left_transfer(layout, *key); };
    if (is_dead()) remove_if_free(layout.lock_file(*key), path, is_dead, removed);
  }
}

void recover_transfer_journals(const layout::CacheLayout& layout, std::vector<Path>& removed) {
  for (const std::string& name : names_in(layout.transfer_directory())) {
    const auto key = model::CacheKey::parse(Path(name).stem().native());
    if (!key || layout.transfer_journal(*key).filename() != name) continue;
    const auto is_dead = [&] { return !fetch::find_left_transfer(layout, *key); };
    if (is_dead()) remove_if_free(layout.lock_file(*key), layout.transfer_journal(*key), is_dead, removed);
  }
}

void recover_staged_instances(const layout::CacheLayout& layout, std::vector<Path>& removed) {
  for (const std::string& name : names_in(layout.instances_path())) {
    if (const auto uuid = layout::staged_instance_uuid(name)) {
      remove_if_free(layout.instance_lock(*uuid), layout.instances_path() / name, always, removed);
    }
  }
}

// What is said of base files that aren't there. A record is written just before its base file appears and removed just
// after it has gone.
void recover_remarks(const layout::CacheLayout& layout, const Path& directory, std::vector<Path>& removed) {
  for (const std::string& name : names_in(directory)) {
    const auto key = model::CacheKey::parse(Path(name).stem().native());
    if (!key || name != key->text() + ".json") continue;
    const auto has_no_base_file = [&] { return !fs::exists(layout.base_file(*key)); };
    if (has_no_base_file()) remove_if_free(layout.lock_file(*key), directory / name, has_no_base_file, removed);
  }
}

}  // namespace

std::vector<Path> recover(const layout::CacheLayout& layout) {
  std::vector<Path> removed;
  recover_staged_files(layout, removed);
  recover_transfer_journals(layout, removed);
  recover_staged_instances(layout, removed);
  recover_remarks(layout, layout.record_directory(), removed);
  recover_remarks(layout, layout.unfit_directory(), removed);
  return removed;
}

}  // namespace basecache::cache
