#pragma once

#include <string_view>

#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// Something that isn't an image we take, and isn't raw bytes either.
struct ForeignFormat {
  std::string_view found;  // "a QED image"
  std::string_view hint;
  bool may_be_boot_file = false;  // Kernels and ramdisks come compressed; as such they are taken as they are.
};

// The first of the table that the bytes are, or null. Lives as long as the program.
const ForeignFormat* foreign_format(const ImageSample& sample);

}  // namespace basecache::inspect
