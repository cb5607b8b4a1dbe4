#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace basecache::drive {

// The clusters of a FAT file system, of bytes that aren't believed: every cluster is given out once, so that no chain
// leads back, and files that share clusters are refused. Errors are unreadable()'s.
class FatVolume {
 public:
  explicit FatVolume(std::span<const std::byte> medium);  // must outlive it

  // The root directory, which has a place of its own but on FAT32.
  std::vector<std::byte> root();
  // What begins at that cluster, whole clusters of it, up to the end of the chain, or as much as holds `size`.
  std::vector<std::byte> chain(std::uint32_t first);
  std::vector<std::byte> chain(std::uint32_t first, std::uint32_t size);

  bool is_fat32() const { return kind_ == Kind::fat32; }

 private:
  enum class Kind { fat12, fat16, fat32 };

  std::uint32_t next(std::uint32_t cluster) const;
  bool is_end(std::uint32_t cluster) const;
  std::span<const std::byte> take(std::uint32_t cluster);
  std::vector<std::byte> read(std::uint32_t first, std::uint64_t most);

  Kind kind_ = Kind::fat16;
  std::size_t cluster_bytes_ = 0;
  std::uint32_t cluster_count_ = 0;
  std::uint32_t root_cluster_ = 0;  // of FAT32
  std::span<const std::byte> table_;
  std::span<const std::byte> root_;
  std::span<const std::byte> clusters_;
  std::vector<bool> is_taken_;
};

}  // namespace basecache::drive
