#pragma once

#include <list>
#include <map>
#include <mutex>
#include <string>

#include "agent/base/error.hpp"
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

    // For `file`, in place of what was wanted for it. Where it doesn't fit, room is made first: all of it or none, and
    // none for what is made ahead of need. Error(no_space) with all numbers when it still doesn't, and what was wanted
    // before stays; for what is only wished to be kept free nobody is refused. With no limits set, what is needed
    // `at_most` only makes room: it isn't refused, and isn't counted.
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

  // Whether it was one of these that said no, rather than a disk that was full.
  static bool refused(const Error& error);

 private:
  struct Wish {
    std::list<Wanted>::iterator own;
    const Path& file;
    Bytes size;
    bool is_counted;
  };
  enum class Wishes { kept, let_go };
  // What is there, with all that is needed; nothing in excess: it is granted.
  Capacity grant_if_fits(const Wish& wish, Wishes wishes = Wishes::kept);
  // Under mutex_.
  Capacity needed_with(const Wish& wish) const;
  // Stops once nothing goes any more. Says what stays.
  StayingBytes make_room(const Wish& wish, const OpContext& op);

  const layout::CacheLayout& layout_;
  const StorageLimits limits_;
  RoomMaker& rooms_;
  std::mutex mutex_;
  std::mutex making_room_;  // one at a time, but for hooks: the next may find that there is enough
  std::list<Wanted> wanted_;
};

}  // namespace basecache::cache
