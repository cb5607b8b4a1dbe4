#pragma once

#include <optional>
#include <string>

#include "agent/base/path.hpp"

namespace basecache::prune {

// Reads which file a disk is backed by, from its header alone.
class DiskChainReader {
 public:
  virtual ~DiskChainReader() = default;

  // The backing file as the header spells it; nothing when it has none or isn't of a format that has any.
  // `recorded_format` is disk.info's word, "" when unknown: a disk recorded as raw is never looked into.
  // Error when the file can't be read or its header can't be understood: cannot know is not unused.
  virtual std::optional<std::string> backing_file(const Path& disk, const std::string& recorded_format) const = 0;
};

}  // namespace basecache::prune
