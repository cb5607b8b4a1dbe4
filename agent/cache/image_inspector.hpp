#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::cache {

// What the bytes are, by the bytes alone.
struct InspectionVerdict {
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes virtual_size;
};

// One image being looked at while it passes by, in blocks of any size, in bounded memory.
class Inspection {
 public:
  virtual ~Inspection() = default;

  virtual void feed(std::span<const std::byte> bytes) = 0;
  // After the last byte, once. Error(image_unacceptable): empty, truncated, a format we don't take, a dangerous
  // feature (backing file, data file ...), or not what `declared_format` (the registry's word) says.
  virtual InspectionVerdict finish(const std::optional<std::string>& declared_format) = 0;
};

// Finds the true format of an image from its bytes and refuses dangerous ones. Runs no program.
class ImageInspector {
 public:
  virtual ~ImageInspector() = default;
  virtual std::unique_ptr<Inspection> begin() const = 0;
};

}  // namespace basecache::cache
