#pragma once

#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/model/disk_format.hpp"
#include "backends/inspect/findings.hpp"
#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

class ImageFile;

// One format that is taken, when its image is whole and stands alone. Stateless.
class ImageFormat {
 public:
  virtual ~ImageFormat() = default;

  virtual model::DiskFormat format() const = 0;
  // Whether anything in the sample says that it is one, whole or not; a program that probes would take it for one.
  virtual bool matches(const ImageSample& sample) const = 0;
  // Looks for everything that makes it unsafe, truncated or contradictory, as far as the sample tells. The virtual
  // size, if it can be told. Called after the last byte, when it matches.
  virtual std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const = 0;

  // A range behind the head that check() needs. Called once the head is complete and matches; may throw Refusal.
  virtual std::optional<ByteRange> window(const ImageSample&) const { return std::nullopt; }
  // Follows the allocation tables of an image in which check() found nothing.
  virtual void check_tables(const ImageFile&, Findings&) const {}
};

}  // namespace basecache::inspect
