#pragma once

#include "agent/cache/image_converter.hpp"
#include "backends/qemu/confined_qemu_img.hpp"

namespace basecache::qemu {

// Converts images with qemu-img. The format is always the inspector's, never QEMU's guess.
class QemuConverter : public cache::ImageConverter {
 public:
  // `qemu_img` must outlive this.
  explicit QemuConverter(const ConfinedQemuImg& qemu_img) : qemu_img_(qemu_img) {}

  void confirm(const Path& image, const fetch::InspectionVerdict& verdict, OpContext& op) override;

  // Error(image_unacceptable) when qemu-img can't read the image's content, Error(tool_failed) when it fails otherwise
  // or writes a file of another size. The file isn't synced; StagedFile::publish does that.
  void to_raw(const Path& image, const fetch::InspectionVerdict& verdict, const Path& raw_file, OpContext& op) override;

 private:
  const ConfinedQemuImg& qemu_img_;
};

}  // namespace basecache::qemu
