#pragma once

#include "agent/base/path.hpp"

namespace basecache::disk {

// Stands beside a disk while it grows (".<disk>.growing"): who is killed between the disk's growth and that of its file
// system leaves it, so that the next call ends both. It goes with the instance's directory.
class GrowthMark {
 public:
  explicit GrowthMark(const Path& disk);

  bool is_set() const;
  void set() const;
  void remove() const;

 private:
  Path file_;
};

}  // namespace basecache::disk
