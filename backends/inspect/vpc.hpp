#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// Microsoft's VHD, which QEMU calls vpc: fixed (a footer behind the bytes of the disk) and dynamic (the footer at both
// ends). Refused: differencing images, broken checksums, ends that disagree.
class Vpc final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::vpc; }
  bool matches(const ImageSample& sample) const override;
  std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const override;
  void check_tables(const ImageFile& file, Findings& findings) const override;
};

}  // namespace basecache::inspect
