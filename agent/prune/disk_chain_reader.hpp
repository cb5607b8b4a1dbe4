#pragma once

#include <optional>
#include <string>

#include "agent/base/path.hpp"

namespace basecache::prune {

struct BackingFile {
  std::string name;    // as the header spells it
  std::string format;  // QEMU's name of its format; "" where the header leaves it open
};

// Reads which file a disk is backed by, from its header alone.
class DiskChainReader {
 public:
  virtual ~DiskChainReader() = default;

  // `disk` is a regular file. Nothing when it has none or isn't of a format that has any.
  // `recorded_format` is QEMU's word for what the disk is, by who made it; "" when unknown: a disk recorded as raw is
  // never looked into. Error when the file can't be read or its header can't be understood: cannot know is not unused.
  virtual std::optional<BackingFile> backing_file(const Path& disk, const std::string& recorded_format) const = 0;
};

}  // namespace basecache::prune
