#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/base/path.hpp"
#include "backends/drive/drive_tree.hpp"
#include "backends/drive/fat_directory.hpp"

namespace basecache::drive {

// A file system as mkfs.vfat makes it on 64 MiB (FAT16, clusters of 2 KiB, 512 entries in the root), with files on it,
// in memory but for the files' own bytes, which are the tree's.
class FatImage {
 public:
  // Error(invalid_request) for names as of FatDirectory, or when it doesn't fit.
  FatImage(const DriveDirectory& root, std::string_view label);

  // Into a new file, which is as large as the medium afterwards, with holes where nothing stands.
  void write_to(int fd, const Path& path) const;

 private:
  // Bytes from the first byte of a cluster on.
  struct Piece {
    std::uint16_t cluster;
    std::span<const std::byte> bytes;
  };

  std::uint16_t allocate(std::size_t size);
  std::uint16_t place(std::span<const std::byte> bytes);
  // Adds what is below; the directory itself stands where its clusters are by then.
  void fill(FatDirectory& directory, const DriveDirectory& contents, std::uint16_t own_cluster);
  std::uint16_t add_directory(const DriveDirectory& contents, std::uint16_t parent_cluster);

  FatDirectory root_;
  std::vector<std::uint16_t> next_cluster_;  // of each cluster; the first two have none
  std::vector<std::vector<std::byte>> directories_;
  std::vector<Piece> pieces_;
};

}  // namespace basecache::drive
