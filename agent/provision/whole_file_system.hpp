#pragma once

#include <cstddef>
#include <span>

#include "agent/cache/base_file.hpp"

namespace basecache::provision {

// Whether a disk that begins with these bytes has a partition table: a boot record with partitions, or a GUID table.
// Pure; what isn't there counts as zeros.
bool has_partition_table(std::span<const std::byte> beginning);

// A container has no partitions: what its root is mounted from must be one file system. Error(image_unacceptable) for a
// raw base file with a partition table; of another format the beginning tells nothing.
void require_whole_file_system(const cache::BaseFile& base);

}  // namespace basecache::provision
