#include "backends/inspect/qcow2_refcounts.hpp"

#include <algorithm>

namespace basecache::inspect {
namespace {

constexpr std::uint64_t kPiece = 64 * 1024;

std::uint64_t clusters_of(const Qcow2Header& header, const ImageFile& file) {
  return (file.length() + header.cluster_size() - 1) / header.cluster_size();
}

}  // namespace

Qcow2Refcounts::Qcow2Refcounts(const Qcow2Header& header, const ImageFile& file)
    : cluster_bits_(header.cluster_bits),
      bits_(std::uint64_t{1} << header.refcount_order),
      per_block_(header.cluster_size() * 8 / bits_),
      is_read_(clusters_of(header, file) <= kMostClusters),
      counted_(is_read_ ? clusters_of(header, file) : 0) {
  const ByteRange table = header.refcount_table();
  const std::uint64_t blocks = std::min(table.length / 8, (counted_.size() + per_block_ - 1) / per_block_);
  file.for_each({.offset = table.offset, .entries = blocks}, [&](std::uint64_t block, std::uint64_t offset) {
    const bool names_place = offset != 0 && offset % 512 == 0 && file.holds({offset, header.cluster_size()});
    if (names_place) read_block(file, offset, block * per_block_);
  });
}

// A number that is 0 has no bit set; of numbers of less than a byte, the first has the lowest bits.
void Qcow2Refcounts::read_block(const ImageFile& file, std::uint64_t offset, std::uint64_t first_cluster) {
  const std::uint64_t numbers = std::min(per_block_, counted_.size() - first_cluster);
  const std::uint64_t length = (numbers * bits_ + 7) / 8;
  for (std::uint64_t at = 0; at < length; at += kPiece) {
    const std::vector<std::byte> piece = file.read({offset + at, std::min(kPiece, length - at)});
    for (std::uint64_t i = 0; i < piece.size(); ++i) {
      const auto byte = std::to_integer<unsigned>(piece[i]);
      for (std::uint64_t bit = 0; byte != 0 && bit < 8; bit += std::min<std::uint64_t>(bits_, 8)) {
        const unsigned mask = bits_ >= 8 ? 0xff : ((1U << bits_) - 1) << bit;
        const std::uint64_t cluster = first_cluster + ((at + i) * 8 + bit) / bits_;
        if ((byte & mask) != 0 && cluster < counted_.size()) counted_[cluster] = true;
      }
    }
  }
}

bool Qcow2Refcounts::counts(std::uint64_t offset) const {
  const std::uint64_t cluster = offset >> cluster_bits_;
  return !is_read_ || (cluster < counted_.size() && counted_[cluster]);
}

}  // namespace basecache::inspect
