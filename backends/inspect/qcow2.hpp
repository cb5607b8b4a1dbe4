#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// qcow2, versions 2 and 3, with zlib or zstd compression, extended L2 entries included. QEMU's docs/interop/qcow2.txt.
class Qcow2 final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::qcow2; }
  bool matches(const ImageSample& sample) const override;
  std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const override;
  void check_tables(const ImageFile& file, Findings& findings) const override;
};

}  // namespace basecache::inspect
