#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "backends/inspect/image_format.hpp"
#include "backends/inspect/image_sample.hpp"
#include "backends/inspect/raw_content.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {

// Everything that some reader would take the bytes for. Neither of the first two: raw. What is pointed at lives as long
// as the program.
struct Recognition {
  std::vector<const ImageFormat*> images = {};
  std::vector<const UnsupportedFormat*> unsupported = {};
  std::vector<RawContent> contents = {};  // what a raw disk may hold

  static Recognition of(const ImageSample& sample);

  // The format that its check() tells more of; null for raw.
  const ImageFormat* image() const { return images.empty() ? nullptr : images.front(); }
  // "qcow2", "iso", "raw", "qed".
  std::string_view name() const;
  // What it is, when that is more than one thing: "qcow2", "an ISO 9660 file system". Empty when it is one thing, an
  // optical disc that also has a partition table (to be booted from a stick) included.
  std::vector<std::string_view> ambiguity() const;
};

// The format that takes such images.
const ImageFormat& image_format(model::DiskFormat format);

}  // namespace basecache::inspect
