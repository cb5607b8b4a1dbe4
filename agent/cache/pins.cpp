#include "agent/cache/pins.hpp"

#include "agent/base/posix_file.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::cache {

void Pins::pin(const model::CacheKey& key, const std::string& reason) {
  layout::replace_state_file(layout_, layout_.pin(key), reason, Durability::synced);
}

bool Pins::unpin(const model::CacheKey& key) {
  const bool was_pinned = reason(key).has_value();
  remove_file(layout_.pin(key));
  return was_pinned;
}

std::optional<std::string> Pins::reason(const model::CacheKey& key) const { return read_small_file(layout_.pin(key)); }

}  // namespace basecache::cache
