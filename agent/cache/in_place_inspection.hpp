#pragma once

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/cache/image_inspector.hpp"

namespace basecache::cache {

// Both looks at a file that stands in `_base`, by its bytes alone, whatever was declared of it once. With progress.
// Error(storage_unusable) when it is no regular file or can't be read.
InspectionReport inspect_in_place(const Path& path, const ImageInspector& inspector, OpContext& op);

}  // namespace basecache::cache
