#include "agent/cache/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace basecache::cache {
namespace {

Bytes above(Bytes value, Bytes limit) { return value > limit ? value - limit : Bytes{0}; }

// A declared size may be any number.
Bytes sum(Bytes a, Bytes b) {
  const Bytes both = a + b;
  return both < a ? Bytes{~std::uint64_t{0}} : both;
}

}  // namespace

// Guests' disks may fill the file system: that alone is no reason for anything to go.
Bytes Capacity::kept_free() const { return min_free_is_wish && needed.count == 0 ? Bytes{0} : min_free; }

Capacity Capacity::required() const {
  Capacity least = *this;
  if (min_free_is_wish) least.min_free = {};
  return least;
}

Bytes Capacity::excess() const {
  const Bytes over_most = max_bytes ? above(sum(used, needed), *max_bytes) : Bytes{0};
  return std::max(over_most, above(sum(needed, kept_free()), free));
}

Capacity Capacity::needing(Bytes more) const {
  Capacity wanted = *this;
  wanted.needed = sum(needed, more);
  return wanted;
}

Capacity Capacity::without(Bytes gone) const {
  Capacity after = *this;
  after.used = above(used, gone);
  after.free = sum(free, gone);
  return after;
}

std::string Capacity::limit_met() const {
  const std::string wanted = needed.count == 0 ? "" : to_text(needed) + " more are needed, and ";
  if (max_bytes && sum(used, needed) > *max_bytes) {
    return fmt::format("{}the cache has {} of at most {}", wanted, to_text(used), to_text(*max_bytes));
  }
  if (sum(needed, kept_free()) > free) {
    return fmt::format("{}of its file system {} are free, of which {} have to stay free", wanted, to_text(free),
                       to_text(kept_free()));
  }
  return "";
}

}  // namespace basecache::cache
