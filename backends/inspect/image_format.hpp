#pragma once

#include <memory>
#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/model/disk_format.hpp"
#include "backends/inspect/image_sample.hpp"
#include "backends/inspect/table_scan.hpp"

namespace basecache::inspect {

// One format that is accepted, when its image is whole and stands alone. Stateless; the sample is all it sees.
class ImageFormat {
 public:
  virtual ~ImageFormat() = default;

  virtual model::DiskFormat format() const = 0;
  // Whether anything in the sample says that it is one, whole or not; a program that probes would take it for one.
  virtual bool matches(const ImageSample& sample) const = 0;
  // The virtual size. Error(image_unacceptable) for everything that makes it unsafe, truncated or contradictory.
  // Called after the last byte, when it matches.
  virtual Bytes check(const ImageSample& sample) const = 0;

  // A range behind the head that check() needs. Called once the head is complete and matches.
  virtual std::optional<ByteRange> window(const ImageSample&) const { return std::nullopt; }
  // Its allocation tables, if they are to be read in passing; may throw what check() throws about the head. Called once
  // the head is complete, or after check(), and matches.
  virtual std::unique_ptr<TableScan> tables(const ImageSample&) const { return nullptr; }
};

}  // namespace basecache::inspect
