#pragma once

#include "agent/base/path.hpp"

namespace basecache::test {

// A block device over a file, while it lives.
class LoopDevice {
 public:
  // Whether this user can have one here.
  static bool can_be_made();

  explicit LoopDevice(const Path& file);

  LoopDevice(LoopDevice&& other) noexcept;
  LoopDevice& operator=(LoopDevice&&) = delete;
  ~LoopDevice();

  const Path& path() const { return path_; }

 private:
  Path path_;  // empty once moved from
};

}  // namespace basecache::test
