#pragma once

#include <cstdint>

#include "backends/inspect/file_pages.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/qcow2_header.hpp"

namespace basecache::inspect {

// How many users a qcow2 says that its clusters have: a table names blocks, of numbers of 1 to 64 bits, one a cluster
// (the specification's "Host cluster management"). Keeps 128 KiB of them; a walk in the file's order reads each once.
class Qcow2Refcounts {
 public:
  // Both must outlive this; the table and the blocks have to be inside the file.
  Qcow2Refcounts(const Qcow2Header& header, const ImageFile& file)
      : header_(header), table_(file, 1), blocks_(file, 32) {}

  // Of the cluster that has the byte at `offset`; 0 where the table names no block for it.
  std::uint64_t of(std::uint64_t offset);

 private:
  std::uint64_t block_of(std::uint64_t block);

  const Qcow2Header& header_;
  FilePages table_;
  FilePages blocks_;
};

}  // namespace basecache::inspect
