#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"

namespace basecache::qcow2 {

// A disk that holds nothing yet but the name of what is beneath it.
struct Overlay {
  std::string backing_file;
  std::string backing_format;       // QEMU's name
  Bytes virtual_size = {};          // a multiple of 512
  std::uint32_t cluster_bits = 16;  // 9 to 21; qemu-img's default is 16
};

// Its file, version 3, laid out as "qemu-img create" lays it out: header, refcount table, refcount blocks, L1 table
// (QEMU's docs/interop/qcow2.txt). Zeros between and behind the pieces, up to the length.
struct OverlayFile {
  struct Piece {
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
  };
  std::vector<Piece> pieces;
  std::uint64_t length = 0;
};

// Error(invalid_request) when the names don't fit into the first cluster, or the disk is larger than its clusters can
// make one.
OverlayFile lay_out(const Overlay& overlay);

// `fd`: an empty file. Error as of writing.
void write_overlay(int fd, const Overlay& overlay);

}  // namespace basecache::qcow2
