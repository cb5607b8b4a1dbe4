#pragma once

#include <cstddef>
#include <span>

#include "backends/drive/drive_reader.hpp"

namespace basecache::drive {

// It begins like a FAT file system.
bool is_fat(std::span<const std::byte> medium);

// FAT12, FAT16 and FAT32 with long names. Error(image_unacceptable): see read_drive().
ReadDrive read_fat(std::span<const std::byte> medium);

}  // namespace basecache::drive
