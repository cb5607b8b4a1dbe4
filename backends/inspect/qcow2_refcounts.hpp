#pragma once

#include <cstdint>
#include <vector>

#include "backends/inspect/image_file.hpp"
#include "backends/inspect/qcow2_header.hpp"

namespace basecache::inspect {

// Which clusters of a qcow2 are counted as used: a table names blocks, of numbers of 1 to 64 bits, one a cluster (the
// specification's "Host cluster management"). Read once, in the file's order, into a bit a cluster: what looks them up
// may jump about as the image likes.
class Qcow2Refcounts {
 public:
  // Of files with more clusters (256 GiB of the usual ones) nothing is read, and all count as used.
  static constexpr std::uint64_t kMostClusters = std::uint64_t{1} << 22;

  // Table entries that name no place in the file are passed over, and none of their clusters is counted. The header's
  // table is inside the file.
  Qcow2Refcounts(const Qcow2Header& header, const ImageFile& file);

  // Whether the cluster that has the byte at `offset` has a user.
  bool counts(std::uint64_t offset) const;

 private:
  void read_block(const ImageFile& file, std::uint64_t offset, std::uint64_t first_cluster);

  std::uint32_t cluster_bits_;
  std::uint64_t bits_;  // of a number
  std::uint64_t per_block_;
  bool is_read_;
  std::vector<bool> counted_;
};

}  // namespace basecache::inspect
