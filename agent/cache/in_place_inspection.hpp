#pragma once

#include <string>
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/fetch/image_inspector.hpp"

namespace basecache::cache {

// Both looks at a file that stands in `_base`, by its bytes alone, whatever was declared of it once. With progress.
// Error(storage_unusable) when it is no regular file or can't be read.
fetch::InspectionReport inspect_in_place(const Path& path, model::ImageUse use, const fetch::ImageInspector& inspector,
                                         OpContext& op);

// The content digest (content_digest.hpp) of such a file.
std::string digest_in_place(const Path& path, OpContext& op);

}  // namespace basecache::cache
