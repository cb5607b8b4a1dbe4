#include "backends/drive/drive_reader.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "backends/drive/drive_files.hpp"
#include "backends/drive/fat_reader.hpp"
#include "backends/drive/iso9660_reader.hpp"

namespace basecache::drive {

ReadDrive read_drive(std::span<const std::byte> medium) {
  if (is_iso9660(medium)) return read_iso9660(medium);
  if (is_fat(medium)) return read_fat(medium);
  throw unreadable("it is neither iso9660 nor vfat");
}

ReadDrive read_drive(const Path& file) {
  boost::system::error_code unknown;
  const boost::filesystem::file_type type = boost::filesystem::status(file, unknown).type();
  if (type == boost::filesystem::file_not_found) {
    throw Error(ErrorCode::not_found, "there is no file " + quote(file.native()));
  }
  if (type != boost::filesystem::regular_file && type != boost::filesystem::block_file) {
    throw unreadable("it is neither a file nor a block device");
  }
  const UniqueFd fd = open_file(file, O_RDONLY | O_NONBLOCK);
  const Bytes length = length_of(fd.get(), file);
  if (length > model::kVfatDriveSize) throw unreadable("it is larger than 64 MiB");
  std::vector<std::byte> medium(length.count);
  medium.resize(read_at(fd.get(), medium, 0, file));
  return read_drive(medium);
}

}  // namespace basecache::drive
