#include "agent/provision/instances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <iterator>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/provision/standing_domain.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

constexpr std::string_view kConfigDrive = "disk.config";

bool has_directory(const Path& directory) { return fs::is_directory(fs::symlink_status(directory)); }

// What is a directory isn't a disk.
std::vector<std::string> names_ending_with(const std::string& suffix, const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::string name = entry.path().filename().native();
    if (name.ends_with(suffix) && !fs::is_directory(entry.symlink_status())) names.push_back(std::move(name));
  }
  return names;
}

Error no_such(const model::InstanceId& uuid, const Path& directory) {
  return Error(ErrorCode::not_found, "instance " + uuid.text() + " has no directory " + quote(directory.native()));
}

// Before any of them is removed.
void require_closed(const std::vector<DiskVolume>& volumes) {
  for (const DiskVolume& volume : volumes) {
    if (!volume.is_open) continue;
    throw Error(ErrorCode::in_use,
                fmt::format("cannot remove volume {}: somebody has it open", quote(volume.path.native())))
        .set_hint("shut the guest down first ('lsof' tells who has it)");
  }
}

}  // namespace

// A creation that was killed may have left volumes and no directory.
Instances::Found Instances::find(const model::InstanceId& uuid, const OpContext& op) const {
  Found found{layout_.instance_directory(uuid.text()), volumes_of(backends_.volumes, uuid.text(), op)};
  if (has_directory(found.directory) || !found.volumes.empty()) return found;
  throw no_such(uuid, found.directory);
}

InstanceDisks Instances::show(const model::InstanceId& uuid, OpContext& op) const {
  Found found = find(uuid, op);
  std::erase_if(found.volumes, [](const DiskVolume& volume) { return volume.is_staged; });
  if (!has_directory(found.directory) && found.volumes.empty()) throw no_such(uuid, found.directory);
  InstanceDisks shown{uuid, {}, InstanceImage::read(found.directory)};
  const DiskFormats formats = DiskFormats::read(found.directory);
  for (const auto& [path, format] : formats.all()) {
    // Not ours to look at, or recorded by a creation that was cut off.
    if (Path(path).parent_path() != found.directory || !fs::is_regular_file(fs::symlink_status(path))) continue;
    shown.disks.push_back(shown_file(path, formats, op));
  }
  for (const DiskVolume& volume : found.volumes) {
    shown.disks.push_back({.name = volume.disk,
                           .path = volume.path,
                           .format = "raw",
                           .size = volume.size,
                           .io = volume.io,
                           .is_volume = true,
                           .how = "kept"});
  }
  return shown;
}

std::string Instances::domain(const model::InstanceId& uuid, const std::string& suffix, const OpContext& op) const {
  const std::string name = InstanceFiles::kDomain + suffix;
  const Path file = find(uuid, op).directory / name;
  if (auto text = shown_domain(file); text && !text->empty()) return *std::move(text);
  throw Error(ErrorCode::not_found, "instance " + uuid.text() + " has no " + name)
      .set_hint(suffix.empty() ? "a creation makes one, also of an instance whose disks are there (basecache create)"
                               : "a rescue has one (basecache create --suffix " + suffix + ")");
}

InstanceDisk Instances::shown_file(const Path& path, const DiskFormats& formats, OpContext& op) const {
  const std::string name = path.filename().native();
  InstanceDisk disk{.name = name, .path = path, .format = "", .how = "kept"};
  if (name.starts_with(kConfigDrive)) {
    disk.size = sizes_of(path).apparent;
    disk.format = model::name_of(model::drive_format_of(disk.size));
    return disk;
  }
  const model::DiskFormat format = formats.format_of(path).value();
  const DiskPlace place{.instance = {}, .disk = name, .staged = {}, .path = path};
  disk.format = model::qemu_name(format);
  const MadeDisk found = backends_.for_format(format).grow_disk(place, std::nullopt, op);
  disk.size = found.size;
  disk.io = found.io;
  return disk;
}

// The volumes first: a guest that runs has them open, and then nothing is removed.
void Instances::remove(const model::InstanceId& uuid, OpContext& op) const {
  (void)find(uuid, op);  // before the lock: a name that means nothing leaves no lock file behind
  FileLock lock_file(layout::instance_lock_file(layout_, uuid.text()));
  const ExclusiveLock lock = lock_exclusive(lock_file, op);
  const Found found = find(uuid, op);
  require_closed(found.volumes);
  for (const DiskVolume& volume : found.volumes) backends_.volumes.remove(volume, op);
  if (has_directory(found.directory)) remove_directory(uuid);
  remove_file(lock_file.path());
}

void Instances::remove_directory(const model::InstanceId& uuid) const {
  // Out of sight at once; recovery ends what a crash leaves.
  const Path leaving = layout_.staged_instance_directory(uuid.text());
  fs::remove_all(leaving);
  fs::rename(layout_.instance_directory(uuid.text()), leaving);
  fs::remove_all(leaving);
}

std::vector<std::string> Instances::remove_suffixed(const model::InstanceId& uuid, const std::string& suffix,
                                                    OpContext& op) const {
  (void)find(uuid, op);
  FileLock lock_file(layout::instance_lock_file(layout_, uuid.text()));
  const ExclusiveLock lock = lock_exclusive(lock_file, op);
  Found found = find(uuid, op);
  std::erase_if(found.volumes, [&](const DiskVolume& volume) { return !volume.disk.ends_with(suffix); });
  require_closed(found.volumes);
  std::vector<std::string> names;
  for (const DiskVolume& volume : found.volumes) {
    backends_.volumes.remove(volume, op);
    if (!volume.is_staged) names.push_back(volume.disk);
  }
  const bool were_files = has_directory(found.directory) && remove_suffixed_files(uuid, suffix, names);
  if (found.volumes.empty() && !were_files) {
    throw Error(ErrorCode::not_found, "instance " + uuid.text() + " has no disks that end with " + quote(suffix));
  }
  std::ranges::sort(names);
  return names;
}

// The files first: what stands without a line in disk.info is a disk of unknown format, a line without a file is
// nothing.
bool Instances::remove_suffixed_files(const model::InstanceId& uuid, const std::string& suffix,
                                      std::vector<std::string>& names) const {
  const Path directory = layout_.instance_directory(uuid.text());
  const std::vector<std::string> files = names_ending_with(suffix, directory);
  DiskFormats formats = DiskFormats::read(directory);
  const bool was_recorded = formats.forget_ending_with(suffix);
  for (const std::string& name : files) remove_file(directory / name);
  std::ranges::copy_if(files, std::back_inserter(names), [](const std::string& name) {
    return !name.starts_with(InstanceFiles::kDomain) && !name.starts_with(InstanceImage::kFileName);
  });
  if (!was_recorded) return !files.empty();
  const Path staged = layout_.staged_instance_directory(uuid.text());
  make_directories(staged);
  formats.replace(directory, staged);
  fs::remove_all(staged);
  return true;
}

}  // namespace basecache::provision
