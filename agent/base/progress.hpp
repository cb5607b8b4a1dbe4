#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace basecache {

// How far one step of an operation is. `total` is absent while nobody knows it.
struct Progress {
  std::string step;        // "fetch", "convert", "copy", "wait" ...
  std::string subject;     // what it is done to: the base file's key or the disk's name
  std::uint64_t done = 0;  // bytes
  std::optional<std::uint64_t> total;
};

// Called from whichever thread works on the operation; must be quick and must not throw.
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace basecache
