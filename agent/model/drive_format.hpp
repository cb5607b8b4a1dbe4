#pragma once

#include <optional>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::model {

// The medium of a config drive ([DEFAULT] config_drive_format, Nova's words).
enum class DriveFormat { iso9660, vfat };

// Of every vfat drive, and of no other (nova/virt/configdrive.py, CONFIGDRIVESIZE_BYTES): a guest may write to one, but
// it can't change its size, and so not what it is taken for.
inline constexpr Bytes kVfatDriveSize = mebibytes(64);

std::string_view name_of(DriveFormat format);                         // "iso9660", "vfat"
std::optional<DriveFormat> drive_format_from(std::string_view name);  // nothing for another name

// What an existing drive of that size is.
DriveFormat drive_format_of(Bytes size);

}  // namespace basecache::model
