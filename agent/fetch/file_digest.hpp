#pragma once

#include "agent/base/digest.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"

namespace basecache::fetch {

// Of all that the file holds. `op` is checked at each block.
Digest file_digest(const Path& path, DigestAlgorithm algorithm, const OpContext& op);

}  // namespace basecache::fetch
