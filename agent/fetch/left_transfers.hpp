#pragma once

#include "agent/base/byte_size.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::fetch {

// What broken transfers may hold of the cache's file system: a tenth of its size. They only save time; base files and
// instances need the room.
Bytes most_left_bytes(const layout::CacheLayout& layout) noexcept;

// Of the transfers that were left behind keeps the newest, as many as take at most `most` together, and removes the
// others. The one of `just_left`, whose exclusive lock the caller holds, counts as the newest and stays; others whose
// lock is held are somebody's and don't count. Returns how much was freed. What can't be removed stays.
Bytes limit_left_transfers(const layout::CacheLayout& layout, const model::CacheKey& just_left, Bytes most) noexcept;

}  // namespace basecache::fetch
