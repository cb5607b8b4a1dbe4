#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/sector_sum.hpp"

namespace basecache::cache {

struct DecodedDisk {
  Bytes size = {};
  SectorSum sum = {};
};

// One image becoming its raw disk while it arrives. The destructor ends it.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // The first `length` bytes of the image are in its file. Doesn't wait.
  virtual void arrived(Bytes length) = 0;
  // The whole image is in its file: waits for the rest of the disk. Once. Progress step "decode".
  // Error(image_unacceptable) when the image is damaged.
  virtual DecodedDisk finish(OpContext& op) = 0;
};

// Makes raw disks of images in one pass. It may be handed bytes that nobody has verified or inspected: what it makes of
// them is in nobody's reach until that is done.
class ImageDecoder {
 public:
  // How much of an image must be there to begin.
  static constexpr Bytes kBeginning{512};

  virtual ~ImageDecoder() = default;

  // `beginning`: the first kBeginning bytes of `image`; `raw_disk`: empty. Both files outlive what is returned. Nothing
  // when it can't decode what begins so.
  virtual std::unique_ptr<Decoding> begin(std::span<const std::byte> beginning, int image, int raw_disk,
                                          const OpContext& op) const = 0;
};

}  // namespace basecache::cache
