#include "agent/provision/left_volumes.hpp"

#include <boost/filesystem/operations.hpp>
#include <set>

#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::provision {
namespace {

// Listed again under the lock: what was staged may be an instance's by now.
void remove_left_of(const std::string& instance, VolumeStore& store, const OpContext& op, std::vector<Path>& removed) {
  for (const DiskVolume& volume : volumes_of(store, instance, op)) {
    if (volume.is_staged && remove_if_possible(store, volume, op)) removed.push_back(volume.path);
  }
}

}  // namespace

std::vector<Path> remove_left_volumes(VolumeStore& store, const layout::CacheLayout& layout, const OpContext& op) {
  std::set<std::string> instances;
  for (const DiskVolume& volume : store.volumes(op)) {
    if (volume.is_staged) instances.insert(volume.instance);
  }
  std::vector<Path> removed;
  for (const std::string& instance : instances) {
    FileLock file(layout::instance_lock_file(layout, instance));
    const ExclusiveLock lock(file, boost::interprocess::try_to_lock);
    if (!lock.owns()) continue;
    remove_left_of(instance, store, op, removed);
    if (!boost::filesystem::exists(layout.instance_directory(instance))) remove_file(file.path());
  }
  return removed;
}

}  // namespace basecache::provision
