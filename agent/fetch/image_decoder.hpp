#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/fetch/decoding.hpp"

namespace basecache::fetch {

// Makes raw disks of images in one pass. It may be handed bytes that nobody has verified or inspected: what it makes of
// them is in nobody's reach until that is done.
class ImageDecoder {
 public:
  // How much of an image must be there to begin.
  static constexpr Bytes kBeginning{512};

  virtual ~ImageDecoder() = default;

  // The virtual size of the disk in an image that begins so; nothing when begin() wouldn't decode it.
  virtual std::optional<Bytes> size_of(std::span<const std::byte> beginning) const = 0;

  // `beginning`: the first kBeginning bytes of `image`; `raw_disk`: empty. Both files outlive what is returned. Nothing
  // when it can't decode what begins so.
  virtual std::unique_ptr<Decoding> begin(std::span<const std::byte> beginning, int image, int raw_disk,
                                          const OpContext& op) const = 0;
};

}  // namespace basecache::fetch
