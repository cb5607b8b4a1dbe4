#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace basecache::decode {

// How the clusters of one qcow2 image are compressed (its header's compression type).
enum class Compression { zlib, zstd };

// Decompresses one cluster after the other. One object serves one thread.
class Inflater {
 public:
  virtual ~Inflater() = default;

  // Fills `cluster`. `compressed` may be longer than what was compressed: qcow2 tells lengths in sectors of 512 bytes.
  // False when it doesn't fill the cluster, for which qemu-img gives an I/O error too.
  virtual bool inflate(std::span<const std::byte> compressed, std::span<std::byte> cluster) = 0;
};

// Throws std::bad_alloc.
std::unique_ptr<Inflater> make_inflater(Compression compression);

}  // namespace basecache::decode
