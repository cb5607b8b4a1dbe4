#pragma once

#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/fetch/image_inspector.hpp"

namespace basecache::qemu {

// What `qemu-img info --output=json` says about an image.
struct ImageDescription {
  std::string format;  // QEMU's name
  Bytes virtual_size;
  bool has_backing_file = false;
  bool has_external_file = false;  // qcow2 with its guest clusters, VMDK with an extent in another file
  std::string create_type = {};    // of a VMDK

  // Error(tool_failed) when it isn't what qemu-img writes.
  static ImageDescription parse(std::string_view json);
};

// Error(image_unacceptable), saying what each of them sees, unless QEMU sees what the inspector saw, in this one file.
// Of VMDK's kinds those are taken that hold the disk themselves (Nova's [compute] vmdk_allowed_types).
void check_agreement(const ImageDescription& seen, const fetch::InspectionVerdict& verdict);

}  // namespace basecache::qemu
