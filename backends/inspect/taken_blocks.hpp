#pragma once

#include <cstdint>
#include <vector>

#include "agent/base/byte_size.hpp"

namespace basecache::inspect {

// Which places of an image file are taken by blocks of one size. One block that many entries of a table name would make
// a disk of terabytes out of a file of a few MiB.
class TakenBlocks {
 public:
  // Up to so many each place has a bit (256 KiB in all); of a larger file only their number is counted.
  static constexpr std::uint64_t kMostBits = mebibytes(2).count;

  // `length` of the file, `block` at least 1 byte.
  TakenBlocks(std::uint64_t length, std::uint64_t block);

  // Takes the place of a block that begins at `offset`, inside the file. False when another block has it, or as many
  // were taken as fit into the file. Blocks needn't be aligned: those that don't overlap have different places.
  bool take(std::uint64_t offset);

 private:
  std::uint64_t block_;
  std::uint64_t free_;
  std::vector<bool> taken_;  // empty: counted only
};

}  // namespace basecache::inspect
