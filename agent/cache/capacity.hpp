#pragma once

#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"

namespace basecache::cache {

// How full the cache is, and how full it may get. Pure.
struct Capacity {
  std::optional<Bytes> max_bytes = {};  // that everything in `_base` may take; nothing: no limit
  Bytes min_free = {};                  // of the file system, to be left alone
  bool min_free_is_wish = false;        // then room is made for who needs some, and nobody is refused for it
  Bytes used = {};                      // allocated, of everything in `_base`: staged files and our own state too
  Bytes free = {};                      // of the file system
  Bytes needed = {};                    // what running builds have still to write, and who asks for room wants
  bool all_or_nothing = false;          // less room than what is missing is of no use to who asks

  // Without the wish.
  Capacity required() const;
  // What would have to go for all of that to be kept. 0: it fits.
  Bytes excess() const;
  // With so much more to be written.
  Capacity needing(Bytes more) const;
  // After so much has gone.
  Capacity without(Bytes gone) const;
  // Which limit is in the way, with its numbers: "the cache has 12 GiB of at most 10 GiB", "3 GiB are needed, and of
  // 4 GiB that are free 2 GiB stay free". "": it fits.
  std::string limit_met() const;

 private:
  Bytes kept_free() const;
};

}  // namespace basecache::cache
