#pragma once

#include <cstddef>
#include <span>

#include "backends/drive/drive_reader.hpp"

namespace basecache::drive {

// It has the descriptor of a volume of ISO 9660.
bool is_iso9660(std::span<const std::byte> medium);

// ECMA-119 with the names of Rock Ridge (IEEE P1282), else of Joliet, as Linux chooses. Error(image_unacceptable): see
// read_drive().
ReadDrive read_iso9660(std::span<const std::byte> medium);

}  // namespace basecache::drive
