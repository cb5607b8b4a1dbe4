#pragma once

#include <optional>
#include <utility>

#include "agent/base/path.hpp"

namespace basecache::test {

// A block device over a file, while it lives.
class LoopDevice {
 public:
  // Nothing, with a message, where this user can't have one.
  static std::optional<LoopDevice> over(const Path& file);

  LoopDevice(LoopDevice&& other) noexcept;
  LoopDevice& operator=(LoopDevice&&) = delete;
  ~LoopDevice();

  const Path& path() const { return path_; }

 private:
  explicit LoopDevice(Path path) : path_(std::move(path)) {}

  Path path_;  // empty once moved from
};

}  // namespace basecache::test
