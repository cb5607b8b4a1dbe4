#pragma once

#include <optional>
#include <string>

#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// An operator's lasting "do not prune": a file a base file's key, holding the reason. Survives restarts; a key may be
// pinned before its base file exists.
class Pins {
 public:
  explicit Pins(const layout::CacheLayout& layout) : layout_(layout) {}

  void pin(const model::CacheKey& key, const std::string& reason);
  bool unpin(const model::CacheKey& key);  // false: wasn't pinned
  std::optional<std::string> reason(const model::CacheKey& key) const;

 private:
  const layout::CacheLayout& layout_;
};

}  // namespace basecache::cache
