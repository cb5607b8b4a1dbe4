#pragma once

#include "backends/guest/changed_pages.hpp"
#include "backends/guest/partitions.hpp"

namespace basecache::guest {

// Where the root file system is, by inject_partition: all of the disk, the partition of that number, or the first of
// them that is ext2/3/4 and has an /etc. UnsupportedFileSystem when none is, or one before it can't be read here;
// Error(image_unacceptable) when there is no such partition, or what could be it is broken.
Partition root_partition(const DiskView& disk, int number);

}  // namespace basecache::guest
