#include "agent/provision/instances.hpp"

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/provision/disk_formats.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

constexpr std::string_view kConfigDrive = "disk.config";

Path directory_of(const layout::CacheLayout& layout, const model::InstanceId& uuid) {
  Path directory = layout.instance_directory(uuid.text());
  if (!fs::is_directory(fs::symlink_status(directory))) {
    throw Error(ErrorCode::not_found, "instance " + uuid.text() + " has no directory " + quote(directory.native()));
  }
  return directory;
}

// In order. What is a directory isn't a disk.
std::vector<std::string> names_ending_with(const std::string& suffix, const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::string name = entry.path().filename().native();
    if (name.ends_with(suffix) && !fs::is_directory(entry.symlink_status())) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

InstanceDisks Instances::show(const model::InstanceId& uuid, OpContext& op) const {
  const Path directory = directory_of(layout_, uuid);
  const DiskFormats formats = DiskFormats::read(directory);
  InstanceDisks shown{uuid, {}};
  for (const auto& [path, format] : formats.all()) {
    // Not ours to look at, or recorded by a creation that was cut off.
    if (Path(path).parent_path() != directory || !fs::is_regular_file(fs::symlink_status(path))) continue;
    InstanceDisk disk{.name = Path(path).filename().native(), .path = path, .format = format, .how = "kept"};
    if (disk.name.starts_with(kConfigDrive)) {
      disk.format = "iso9660";
      disk.size = sizes_of(path).apparent;
    } else {
      const MadeDisk found = backends_.for_format(formats.format_of(path).value()).grow_disk(path, std::nullopt, op);
      disk.size = found.size;
      disk.io = found.io;
    }
    shown.disks.push_back(std::move(disk));
  }
  return shown;
}

void Instances::remove(const model::InstanceId& uuid, OpContext& op) const {
  (void)directory_of(layout_, uuid);  // before the lock: a name that means nothing leaves no lock file behind
  FileLock lock_file(layout::instance_lock_file(layout_, uuid.text()));
  const ExclusiveLock lock = lock_exclusive(lock_file, op);
  const Path directory = directory_of(layout_, uuid);
  // Out of sight at once; recovery ends what a crash leaves.
  const Path leaving = layout_.staged_instance_directory(uuid.text());
  fs::remove_all(leaving);
  fs::rename(directory, leaving);
  fs::remove_all(leaving);
  remove_file(lock_file.path());
}

// The files first: what stands without a line in disk.info is a disk of unknown format, a line without a file is
// nothing.
std::vector<std::string> Instances::remove_suffixed(const model::InstanceId& uuid, const std::string& suffix,
                                                    OpContext& op) const {
  (void)directory_of(layout_, uuid);
  FileLock lock_file(layout::instance_lock_file(layout_, uuid.text()));
  const ExclusiveLock lock = lock_exclusive(lock_file, op);
  const Path directory = directory_of(layout_, uuid);
  std::vector<std::string> names = names_ending_with(suffix, directory);
  DiskFormats formats = DiskFormats::read(directory);
  const bool was_recorded = formats.forget_ending_with(suffix);
  if (names.empty() && !was_recorded) {
    throw Error(ErrorCode::not_found, "instance " + uuid.text() + " has no disks that end with " + quote(suffix));
  }
  for (const std::string& name : names) remove_file(directory / name);
  if (!was_recorded) return names;
  const Path staged = layout_.staged_instance_directory(uuid.text());
  make_directories(staged);
  formats.replace(directory, staged);
  fs::remove_all(staged);
  return names;
}

}  // namespace basecache::provision
