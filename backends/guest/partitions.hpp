#pragma once

#include <cstdint>
#include <vector>

#include "backends/guest/disk_view.hpp"

namespace basecache::guest {

struct Partition {
  unsigned number = 0;  // as Linux counts them: 1 to 4, logical ones from 5; 0: the whole disk
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // bytes
};

// The partitions of a disk with blocks of 512 bytes: of its GUID table (UEFI 5.3) if it has one, else of its boot
// record and the chain of extended ones (UEFI 5.2). Those that are empty or reach beyond the disk are left out. Nothing
// is believed: tables, chains and numbers have limits.
std::vector<Partition> read_partitions(const DiskView& disk);

}  // namespace basecache::guest
