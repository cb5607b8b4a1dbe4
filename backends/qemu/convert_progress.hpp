#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::qemu {

// Reads what `qemu-img convert -p` writes: "    (12.34/100%)\r" again and again, cut anywhere.
class ConvertProgress {
 public:
  explicit ConvertProgress(Bytes total) : total_(total) {}

  // The bytes done by the last complete report in `chunk` and what came before; nothing when there is none.
  std::optional<Bytes> feed(std::string_view chunk);

 private:
  Bytes total_;
  std::string pending_;  // after the last complete report, bounded
};

}  // namespace basecache::qemu
