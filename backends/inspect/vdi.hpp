#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// VirtualBox's VDI 1.1, dynamic or static (block/vdi.c in QEMU). Refused: differencing and undo images, images with a
// parent, maps or blocks outside the file.
class Vdi final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::vdi; }
  bool matches(const ImageSample& sample) const override;
  std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const override;
  void check_tables(const ImageFile& file, Findings& findings) const override;
};

}  // namespace basecache::inspect
