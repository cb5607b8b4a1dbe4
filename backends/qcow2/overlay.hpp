#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"

namespace basecache::qcow2 {

// A disk that holds nothing yet but the name of what is beneath it, and the clusters that are about to be written.
struct Overlay {
  std::string backing_file;
  std::string backing_format;       // QEMU's name
  Bytes virtual_size = {};          // a multiple of 512
  std::uint32_t cluster_bits = 16;  // 9 to 21; qemu-img's default is 16
  // The clusters of the guest's disk that it has of its own, by their number, ascending.
  std::vector<std::uint64_t> own_clusters = {};
};

// Its file, version 3, laid out as "qemu-img create" lays it out: header, refcount table, refcount blocks, L1 table
// (QEMU's docs/interop/qcow2.txt), and behind them L2 tables and its own clusters. Zeros between and behind the pieces,
// up to the length.
struct OverlayFile {
  struct Piece {
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
  };
  std::vector<Piece> pieces;
  std::uint64_t length = 0;
  std::uint64_t own_clusters_at = 0;  // the first of them; the others follow it
};

// Error(invalid_request) when the names don't fit into the first cluster, or the disk is larger than its clusters can
// make one.
OverlayFile lay_out(const Overlay& overlay);

// `fd`: an empty file, or the same overlay without clusters of its own, so far. What is in the own clusters is to be
// written where the answer says that the first of them is. Error as of writing.
std::uint64_t write_overlay(int fd, const Overlay& overlay);

}  // namespace basecache::qcow2
