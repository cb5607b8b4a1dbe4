#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/file_lock.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/disk_backend.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/provision/staged_disks.hpp"

namespace basecache::provision {

// The directory of one instance while its disks are being made. Everything new is made in a staged directory beside it
// and appears by rename in keep(); until then, and after a crash, the instance is as it was. Holds the instance's lock:
// one creation or deletion at a time, in whichever process.
class InstanceDirectory : public StagedDisks {
 public:
  // Waits for the lock, sweeps what a dead creation left, makes the staged directory.
  InstanceDirectory(const layout::CacheLayout& layout, const model::InstanceId& uuid, const OpContext& op);
  InstanceDirectory(const InstanceDirectory&) = delete;
  InstanceDirectory& operator=(const InstanceDirectory&) = delete;
  ~InstanceDirectory() override;  // undone unless keep() was reached

  // An existing disk's format, by disk.info; nothing when there is no such disk. Error(already_exists) when there is a
  // file that disk.info doesn't know (what it is can't be told without guessing) or what is no regular file.
  std::optional<model::DiskFormat> existing(const std::string& disk) const override;

  // QEMU's word for an existing disk's format, one that we don't know too; "" when there is no such disk, or no word.
  std::string recorded(const std::string& disk) const;

  DiskPlace place(const std::string& disk) const override;
  // The disk at its staged place is whole and of that format.
  void add(const std::string& disk, model::DiskFormat format) override;

  // The disk at its staged place is whole and takes the place of the one that is there, whose format it has.
  void replace(const std::string& disk) { replaced_.push_back(disk); }

  // A file at its staged place that is no disk is whole. It takes the place of one that is there, or goes with the
  // staged directory if there is one by then.
  void add_file(const std::string& name, bool replaces);
  // The same, which takes the place of one that is there before any disk is seen.
  void add_first(const std::string& name) { first_ = name; }

  const Path& path() const { return path_; }

  // The disks that were added, and those that take another's place.
  std::vector<std::string> staged_disks() const;

  // What was added is written out; what keep() then makes visible is there after a power cut too.
  void sync();
  // What was added becomes visible: a new instance as a whole, an older one disk by disk. Who has a disk open that
  // another takes the place of goes on with the old one.
  void keep();

 private:
  struct File {
    std::string name;
    bool replaces = false;
  };

  void rename_added();
  void rename_files();

  const Path path_;
  const Path staged_;
  const std::string uuid_;
  FileLock lock_file_;
  ExclusiveLock lock_;
  DiskFormats formats_;
  std::vector<std::string> added_;
  std::vector<std::string> replaced_;
  std::vector<File> files_;
  std::optional<std::string> first_;
  bool is_synced_ = false;
};

}  // namespace basecache::provision
