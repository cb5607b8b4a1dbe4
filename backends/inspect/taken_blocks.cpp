#include "backends/inspect/taken_blocks.hpp"

namespace basecache::inspect {

TakenBlocks::TakenBlocks(std::uint64_t length, std::uint64_t block)
    : block_(block), free_(length / block + (length % block != 0 ? 1 : 0)), taken_(free_ <= kMostBits ? free_ : 0) {}

bool TakenBlocks::take(std::uint64_t offset) {
  if (free_ == 0) return false;
  --free_;
  if (taken_.empty()) return true;
  const bool was_free = !taken_.at(offset / block_);
  taken_.at(offset / block_) = true;
  return was_free;
}

}  // namespace basecache::inspect
