#pragma once

#include <cstddef>
#include <span>

namespace basecache::fetch {

// One image's signature being checked while the bytes pass by, in blocks of any size, in bounded memory.
class Verification {
 public:
  virtual ~Verification() = default;

  virtual void update(std::span<const std::byte> bytes) = 0;
  // The transfer begins again: forgets the bytes it has seen.
  virtual void restart() = 0;
  // After the last byte, once (restart() makes it usable again). Error(checksum_mismatch) when the signature is not of
  // these bytes.
  virtual void finish() = 0;
};

}  // namespace basecache::fetch
