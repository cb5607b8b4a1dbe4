#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// VMware's VMDK as one file: monolithicSparse and streamOptimized (VMware's "Virtual Disk Format 5.0"). Everything of
// the family is recognised (text descriptors, ESX's COWD), only these two are taken. Refused: descriptors that name
// other files or a parent, headers and footers that differ, grain directories outside the file.
class Vmdk final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::vmdk; }
  bool matches(const ImageSample& sample) const override;
  std::optional<Bytes> check(const ImageSample& sample, Findings& findings) const override;
  void check_tables(const ImageFile& file, Findings& findings) const override;
};

}  // namespace basecache::inspect
