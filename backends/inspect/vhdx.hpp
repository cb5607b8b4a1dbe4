#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// Microsoft's VHDX (the [MS-VHDX] specification). Refused: images with a parent, with a log that must be replayed,
// with unknown required regions or metadata, with regions outside the file.
class Vhdx final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::vhdx; }
  bool matches(const ImageSample& sample) const override;
  std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const override;
  // The metadata region.
  std::optional<ByteRange> window(const ImageSample& sample) const override;
  void check_tables(const ImageFile& file, Findings& findings) const override;
};

}  // namespace basecache::inspect
