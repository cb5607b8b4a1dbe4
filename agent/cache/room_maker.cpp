#include "agent/cache/room_maker.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace basecache::cache {

std::string StayingBytes::text() const {
  std::vector<std::string> parts;
  const auto part = [&](Bytes bytes, const char* why) {
    if (bytes.count > 0) parts.push_back(to_text(bytes) + " " + why);
  };
  part(under_disks, "under disks");
  part(leased, "held by running requests");
  part(pinned, "pinned");
  part(quarantined, "in quarantine");
  part(others, usage_unknown ? "of which nobody can tell who uses them" : "that stay for other reasons");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace basecache::cache
