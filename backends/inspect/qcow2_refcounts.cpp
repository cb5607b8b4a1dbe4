#include "backends/inspect/qcow2_refcounts.hpp"

namespace basecache::inspect {

std::uint64_t Qcow2Refcounts::of(std::uint64_t offset) {
  const std::uint64_t bits = std::uint64_t{1} << header_.refcount_order;
  const std::uint64_t per_block = header_.cluster_size() * 8 / bits;
  const std::uint64_t cluster = offset >> header_.cluster_bits;
  const std::uint64_t block = block_of(cluster / per_block);
  if (block == 0) return 0;
  const std::uint64_t bit = cluster % per_block * bits;
  const ByteReader numbers(blocks_.from(block + bit / 8), ByteOrder::big, "a refcount block");
  if (bits >= 8) return numbers.number(0, bits / 8);
  return numbers.u8(0) >> bit % 8 & ((1U << bits) - 1);  // the first of a byte has its lowest bits
}

// Where it is; 0: nowhere.
std::uint64_t Qcow2Refcounts::block_of(std::uint64_t block) {
  const ByteRange table = header_.refcount_table();
  if (block >= table.length / 8) return 0;
  return ByteReader(table_.from(table.offset + block * 8), ByteOrder::big, "the refcount table").u64(0);
}

}  // namespace basecache::inspect
