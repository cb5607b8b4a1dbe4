#pragma once

#include "agent/provision/drive_writer.hpp"

namespace basecache::drive {

// Writes the config drive as the vfat disk that Nova makes (nova/virt/configdrive.py, _make_vfat): 64 MiB, labelled
// "config-2", but in this process and without mounting it. The file has holes where nothing stands. The same contents
// make the same bytes: times and the volume's id are fixed.
class VfatWriter : public provision::DriveWriter {
 public:
  // `file` must not exist; mode 0600, for there may be a password in it. Not synced, like the instance's disks.
  // Error(invalid_request) for a path that isn't relative and plain, that VFAT can't have, that is there twice (upper
  // and lower case are one), or when it doesn't fit.
  void write_drive(const Path& file, const metadata::DriveContents& contents, OpContext& op) override;
};

}  // namespace basecache::drive
