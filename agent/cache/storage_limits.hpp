#pragma once

#include <optional>

#include "agent/base/op_context.hpp"
#include "agent/cache/capacity.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// What the operator says of how full the cache may get ([basecache] cache_max_bytes, min_free_bytes).
struct StorageLimits {
  std::optional<Bytes> max_bytes = {};
  std::optional<Bytes> min_free = {};  // nothing: a twentieth of the file system, at most 10 GiB

  // Somebody wants them kept whatever it costs: then what only may be needed has to fit too.
  bool are_set() const { return max_bytes || min_free; }

  // With what is there now; nothing needed yet. Where nobody set it, `min_free` is a wish. Error when `_base` can't be
  // looked through.
  Capacity measure(const layout::CacheLayout& layout) const;
};

// By the regular files below `directory`. What goes while it is looked at takes nothing.
Bytes allocated_below(const Path& directory);

// Some file systems count what was removed as free a moment later: waits until `freed` more than `before` are, at most
// two seconds (others may be writing), and not at all while a hook waits. Cancelled, or Error(timed_out), as `op` says.
void wait_until_free(const layout::CacheLayout& layout, Bytes before, Bytes freed, const OpContext& op);

}  // namespace basecache::cache
