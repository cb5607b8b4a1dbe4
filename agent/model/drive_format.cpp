#include "agent/model/drive_format.hpp"

#include "agent/base/error.hpp"

namespace basecache::model {

std::string_view name_of(DriveFormat format) {
  switch (format) {
    case DriveFormat::iso9660:
      return "iso9660";
    case DriveFormat::vfat:
      return "vfat";
  }
  throw Error(ErrorCode::internal, "no such config drive format");
}

std::optional<DriveFormat> drive_format_from(std::string_view name) {
  for (const DriveFormat format : {DriveFormat::iso9660, DriveFormat::vfat}) {
    if (name == name_of(format)) return format;
  }
  return std::nullopt;
}

DriveFormat drive_format_of(Bytes size) { return size == kVfatDriveSize ? DriveFormat::vfat : DriveFormat::iso9660; }

}  // namespace basecache::model
