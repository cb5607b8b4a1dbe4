#pragma once

#include <list>
#include <map>
#include <mutex>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/cache/room_maker.hpp"
#include "agent/cache/storage_limits.hpp"

namespace basecache::cache {

// Space that running builds of this process have still to write to, so that all of them together stay within the
// limits. Counted is what is wanted less what its staged file has allocated already. Other processes' builds aren't
// known here: they show as what is used and free. Safe for threads.
class Reservations {
  using Wanted = std::map<std::string, Bytes>;  // by the staged file

 public:
  // How sure it is that a file gets as large as is wanted for it.
  enum class Certainty { exact, at_most };

  // One build's. Gives back what it has when it goes.
  class Reservation {
   public:
    explicit Reservation(Reservations& all, std::string what);
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    // For `file`, in place of what was wanted for it. Where it doesn't fit, room is made first. Error(no_space) with
    // all numbers when it still doesn't, and what was wanted before stays. With no limits set, what is needed `at_most`
    // only makes room, as far as possible, and isn't counted.
    void want(const Path& file, Bytes size, Certainty certainty, const OpContext& op);
    // It is all there.
    void settle(const Path& file);
    void settle();

   private:
    Reservations& all_;
    std::string what_;
    std::list<Wanted>::iterator own_;
  };

  Reservations(const layout::CacheLayout& layout, StorageLimits limits, RoomMaker& rooms)
      : layout_(layout), limits_(limits), rooms_(rooms) {}

  const StorageLimits& limits() const { return limits_; }

 private:
  struct Wish {
    std::list<Wanted>::iterator own;
    const Path& file;
    Bytes size;
    bool is_counted;
  };
  // What is there, with all that is needed; nothing in excess: it is granted.
  Capacity grant_if_fits(const Wish& wish);

  const layout::CacheLayout& layout_;
  const StorageLimits limits_;
  RoomMaker& rooms_;
  std::mutex mutex_;
  std::timed_mutex making_room_;  // one at a time, but for hooks: the next may find that there is enough
  std::list<Wanted> wanted_;
};

}  // namespace basecache::cache
