#pragma once

#include <functional>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/cache/capacity.hpp"

namespace basecache::cache {

// What of the cache can't go, by why (allocated bytes).
struct StayingBytes {
  Bytes under_disks = {};
  Bytes leased = {};  // by running requests, or being made
  Bytes pinned = {};
  Bytes quarantined = {};      // only people remove that
  Bytes others = {};           // used a moment ago, unexplained, or nothing may go
  bool usage_unknown = false;  // then `others` are those of which nobody can tell who uses them

  // "4 GiB under disks, 1 GiB pinned"; "" when nothing stays.
  std::string text() const;
};

struct RoomMade {
  Bytes freed = {};
  StayingBytes staying = {};
};

// Removes what nobody uses, the longest unused first.
class RoomMaker {
 public:
  virtual ~RoomMaker() = default;

  // How full it is now, with all that is needed.
  using Measure = std::function<Capacity()>;

  // Until nothing is in excess by `measure`, which is called once it is this one's turn, and again where something went
  // otherwise than planned. Never asks libvirt while a hook waits.
  virtual RoomMade make_room(const Measure& measure, const OpContext& op) = 0;
};

}  // namespace basecache::cache
