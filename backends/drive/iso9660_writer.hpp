#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "agent/provision/drive_writer.hpp"

namespace basecache::drive {

// Writes the config drive as ISO 9660 with Rock Ridge and Joliet names, volume id "config-2", in this process, by
// libisofs. Directories are 0755, files 0644, all of them root's. The same contents make the same bytes: times are
// fixed, so a drive says nothing about when and where it was made.
//
// libisofs initialises itself for the whole process and keeps counters that threads would race for, so drives are
// laid out one after the other, each as a whole in memory, where its contents are anyway; a process has one writer.
class Iso9660Writer : public provision::DriveWriter {
 public:
  Iso9660Writer();

  // `file` must not exist; mode 0600, for there may be a password in it. Not synced, like the instance's disks.
  // Error(invalid_request) for a path that isn't relative and plain, or that is there twice, and for what would be as
  // large as a vfat drive, which is told by its size.
  void write_drive(const Path& file, const metadata::DriveContents& contents, OpContext& op) override;

 private:
  std::vector<std::byte> image_of(const metadata::DriveContents& contents, const OpContext& op);

  std::mutex mutex_;
};

}  // namespace basecache::drive
