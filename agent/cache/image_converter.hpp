#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/fetch/image_inspector.hpp"

namespace basecache::cache {

// Makes a raw file of an inspected image.
class ImageConverter {
 public:
  virtual ~ImageConverter() = default;

  // Asks the converting tool too, with the format forced to `verdict.format`: Error(image_unacceptable) unless it
  // agrees on format and virtual size and sees no backing file and no data file.
  virtual void confirm(const Path& image, const fetch::InspectionVerdict& verdict, OpContext& op) = 0;

  // Writes `raw_file` (absent before), sparse, of exactly the virtual size. Progress step "convert".
  virtual void to_raw(const Path& image, const fetch::InspectionVerdict& verdict, const Path& raw_file,
                      OpContext& op) = 0;
};

}  // namespace basecache::cache
