#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/sector_sum.hpp"

namespace basecache::fetch {

struct DecodedDisk {
  Bytes size = {};
  SectorSum sum = {};
};

// One image becoming its raw disk while it arrives. The destructor ends it.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // The first `length` bytes of the image are in its file. Doesn't wait. Error when this node has failed to decode;
  // what is wrong with the image finish() tells, when it is known whether it is the image that was meant.
  virtual void arrived(Bytes length) = 0;
  // The whole image is in its file: waits for the rest of the disk. Once. Progress step "decode".
  // Error(image_unacceptable) when the image is damaged.
  virtual DecodedDisk finish(OpContext& op) = 0;
};

}  // namespace basecache::fetch
