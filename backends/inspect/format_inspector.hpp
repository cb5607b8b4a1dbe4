#pragma once

#include <memory>

#include "agent/cache/image_inspector.hpp"

namespace basecache::inspect {

// The ImageInspector that reads the bytes itself. Accepts whole, self-contained images of the formats of
// model::DiskFormat; refuses everything else it knows, and everything that is two things at once. "raw" is what no
// other rule recognises at the start, inside or at the end. Memory per inspection: ImageSample's, and the places of the
// allocation tables, some MiB at the very most.
class FormatInspector final : public cache::ImageInspector {
 public:
  std::unique_ptr<cache::Inspection> begin() const override;
};

}  // namespace basecache::inspect
