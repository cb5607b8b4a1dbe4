#pragma once

#include <memory>

#include "agent/fetch/image_inspector.hpp"
#include "backends/inspect/rules.hpp"

namespace basecache::inspect {

// The ImageInspector that reads the bytes itself. Accepts whole, self-contained images of the formats of
// model::DiskFormat; refuses everything else it knows, and everything that is two things at once. "raw" is what no
// other rule recognises at the start, inside or at the end. A kernel or ramdisk is raw too, compressed or not, and no
// disk image. Memory per inspection: ImageSample's; the second look needs
// up to 768 KiB more (blocks of 64 KiB of the tables that are open at once, TakenBlocks' bits, refcounts).
class FormatInspector final : public fetch::ImageInspector {
 public:
  // The largest VHDX, and more than the other formats' own programs make. Above it a size is a mistake or an attack.
  static constexpr Bytes kLargestDisk = gibibytes(64 * 1024);

  explicit FormatInspector(Bytes largest_disk = kLargestDisk) : largest_disk_(largest_disk) {}

  unsigned rules() const override { return kRuleSet; }
  std::unique_ptr<fetch::Inspection> begin() const override;
  std::vector<fetch::Finding> check_tables(const Path& image, model::DiskFormat format,
                                           const OpContext& op) const override;

 private:
  Bytes largest_disk_;
};

}  // namespace basecache::inspect
