#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "agent/cache/capacity.hpp"

namespace basecache::cache {

// What of the cache can't go, by why (allocated bytes).
struct StayingBytes {
  Bytes under_disks = {};
  Bytes leased = {};  // by running requests, or being made
  Bytes pinned = {};
  Bytes others = {};           // used a moment ago, unexplained, or nothing may go
  bool usage_unknown = false;  // then `others` are those of which nobody can tell who uses them

  // "4 GiB under disks, 1 GiB pinned"; "" when nothing stays.
  std::string text() const;
};

// Removes what nobody uses, the longest unused first.
class RoomMaker {
 public:
  virtual ~RoomMaker() = default;

  // Until capacity.excess() has gone, or as much as can. Says what stays. Never asks libvirt while a hook waits.
  virtual StayingBytes make_room(const Capacity& capacity, const OpContext& op) = 0;
};

}  // namespace basecache::cache
