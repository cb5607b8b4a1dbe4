#pragma once

#include <optional>

#include "agent/cache/capacity.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// What the operator says of how full the cache may get ([basecache] cache_max_bytes, min_free_bytes).
struct StorageLimits {
  std::optional<Bytes> max_bytes = {};
  std::optional<Bytes> min_free = {};  // nothing: a twentieth of the file system, at most 10 GiB

  // Somebody wants them kept whatever it costs: then what only may be needed has to fit too.
  bool are_set() const { return max_bytes || min_free; }

  // With what is there now; nothing needed yet. Error when `_base` can't be looked through.
  Capacity measure(const layout::CacheLayout& layout) const;
};

}  // namespace basecache::cache
