#pragma once

#include "backends/inspect/image_format.hpp"

namespace basecache::inspect {

// QEMU's qcow2, versions 2 and 3 (docs/interop/qcow2.txt in QEMU). Refused: backing file, external data file,
// encryption, unknown incompatible features, images left dirty or corrupt, tables outside the file.
class Qcow2 final : public ImageFormat {
 public:
  model::DiskFormat format() const override { return model::DiskFormat::qcow2; }
  bool matches(const ImageSample& sample) const override;
  Bytes check(const ImageSample& sample) const override;
  std::unique_ptr<TableScan> tables(const ImageSample& sample) const override;
};

}  // namespace basecache::inspect
