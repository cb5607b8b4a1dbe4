#include "backends/disk/disk_size.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"

namespace basecache::disk {
namespace {

std::string exactly(Bytes size) { return fmt::format("{} ({} bytes)", to_text(size), size.count); }

}  // namespace

Bytes size_at_least(Bytes least, std::optional<Bytes> asked, std::string_view what) {
  const Bytes size = asked.value_or(least);
  if (size >= least) return size;
  throw Error(ErrorCode::disk_too_small,
              fmt::format("a disk of {} was asked for, but {} is {}", exactly(size), what, exactly(least)))
      .set_hint("use a flavor with a larger disk");
}

}  // namespace basecache::disk
