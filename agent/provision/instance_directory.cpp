#include "agent/provision/instance_directory.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::provision {

namespace fs = boost::filesystem;

namespace {

void sync_staged(const Path& staged, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const Path path = staged / name;
    sync_file(open_file(path, O_RDONLY | O_NOFOLLOW).get(), path);
  }
}

}  // namespace

InstanceDirectory::InstanceDirectory(const layout::CacheLayout& layout, const model::InstanceId& uuid,
                                     const OpContext& op)
    : path_(layout.instance_directory(uuid.text())),
      staged_(layout.staged_instance_directory(uuid.text())),
      uuid_(uuid.text()),
      lock_file_(layout::instance_lock_file(layout, uuid.text())),
      lock_(lock_exclusive(lock_file_, op)) {
  if (fs::symlink_status(path_).type() != fs::file_not_found && !fs::is_directory(fs::symlink_status(path_))) {
    throw Error(ErrorCode::already_exists, quote(path_.native()) + " is there and isn't a directory");
  }
  formats_ = DiskFormats::read(path_);
  fs::remove_all(staged_);
  make_directories(staged_);  // last: what a constructor that throws has made, no destructor removes
}

InstanceDirectory::~InstanceDirectory() {
  boost::system::error_code left_for_recovery;
  fs::remove_all(staged_, left_for_recovery);
  // A refused creation leaves no lock file for an instance that doesn't exist; those who wait for it notice.
  if (!fs::exists(path_, left_for_recovery)) fs::remove(lock_file_.path(), left_for_recovery);
}

std::optional<model::DiskFormat> InstanceDirectory::existing(const std::string& disk) const {
  const Path path = path_ / disk;
  const fs::file_type type = fs::symlink_status(path).type();
  if (type == fs::file_not_found) return std::nullopt;
  // Followed, a symbolic link would let us grow a file that isn't the instance's.
  if (type != fs::regular_file) {
    throw Error(ErrorCode::already_exists, quote(path.native()) + " is there and isn't a regular file")
        .set_hint("nothing was touched: put the disk itself there, or remove what is there");
  }
  if (const auto format = formats_.format_of(path)) return format;
  throw Error(ErrorCode::already_exists, quote(path.native()) + " is there, but disk.info doesn't say its format")
      .set_hint("add it to disk.info in its directory, or remove the file");
}

std::string InstanceDirectory::recorded(const std::string& disk) const {
  const Path path = path_ / disk;
  return fs::symlink_status(path).type() == fs::regular_file ? formats_.word_for(path) : "";
}

DiskPlace InstanceDirectory::place(const std::string& disk) const {
  return {.instance = uuid_, .disk = disk, .staged = staged_ / disk, .path = path_ / disk};
}

void InstanceDirectory::add(const std::string& disk, model::DiskFormat format) {
  formats_.record(path_ / disk, format);
  added_.push_back(disk);
}

std::vector<std::string> InstanceDirectory::staged_disks() const {
  std::vector<std::string> disks = added_;
  disks.insert(disks.end(), replaced_.begin(), replaced_.end());
  return disks;
}

void InstanceDirectory::add_file(const std::string& name, bool replaces) { files_.push_back({name, replaces}); }

void InstanceDirectory::keep() {
  if (staged_disks().empty() && files_.empty() && !first_ && fs::exists(path_)) return;
  // What takes the place of a good disk is whole after a power cut, whatever disk_sync says.
  if (!is_synced_) sync_staged(staged_, replaced_);
  rename_added();
  if (!is_synced_) return;
  sync_directory(path_);
  sync_directory(path_.parent_path());
}

void InstanceDirectory::sync() {
  std::vector<std::string> names = staged_disks();
  for (const File& file : files_) names.push_back(file.name);
  if (first_) names.push_back(*first_);
  sync_staged(staged_, names);
  is_synced_ = true;
}

void InstanceDirectory::rename_added() {
  const Durability durability = is_synced_ ? Durability::synced : Durability::lazy;
  if (!fs::exists(path_)) {
    formats_.write(staged_, durability);
    if (rename_no_replace(staged_, path_)) return;
    // Somebody else, a Nova perhaps, has made the directory meanwhile: the disks go into it one by one.
    fs::remove(staged_ / "disk.info");
  }
  if (first_) fs::rename(staged_ / *first_, path_ / *first_);
  // disk.info first: a disk is never visible without its format, and an entry without a disk means nothing.
  if (!added_.empty()) formats_.replace(path_, staged_, durability);
  for (const std::string& disk : added_) {
    if (!rename_no_replace(staged_ / disk, path_ / disk)) {
      throw Error(ErrorCode::already_exists, quote((path_ / disk).native()) + " appeared while it was being made");
    }
  }
  for (const std::string& disk : replaced_) fs::rename(staged_ / disk, path_ / disk);
  rename_files();
}

// Last, so that what libvirt.xml tells of is there.
void InstanceDirectory::rename_files() {
  for (const File& file : files_) {
    const Path from = staged_ / file.name;
    const Path to = path_ / file.name;
    file.replaces ? fs::rename(from, to) : static_cast<void>(rename_no_replace(from, to));
  }
}

}  // namespace basecache::provision
