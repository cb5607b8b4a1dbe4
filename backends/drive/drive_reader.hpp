#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "agent/base/path.hpp"
#include "agent/metadata/drive_contents.hpp"
#include "agent/model/drive_format.hpp"

namespace basecache::drive {

// What stands on a config drive.
struct ReadDrive {
  model::DriveFormat format = model::DriveFormat::iso9660;
  std::string label;              // "config-2" on a drive that guests look at
  metadata::DriveContents files;  // by their paths
};

// The drive that these bytes are: ISO 9660 (names of Rock Ridge, else of Joliet) or FAT, ours or anybody's. Nothing is
// mounted, and nothing in it is believed: Error(image_unacceptable) for what is neither, is broken, or has more than a
// config drive can have (see DriveFiles).
ReadDrive read_drive(std::span<const std::byte> medium);

// The same of a file or block device of at most 64 MiB; a larger one is refused as well, and what is neither.
// Error(not_found) when there is none.
ReadDrive read_drive(const Path& file);

}  // namespace basecache::drive
