#include "backends/lvm/volume_growth.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

constexpr std::string_view kOwnTag = "basecache.own=";

// The size that an earlier call, cut short, began from.
std::optional<Bytes> own_size(const Volume& volume) {
  for (const std::string& tag : volume.tags) {
    if (!tag.starts_with(kOwnTag)) continue;
    if (const auto count = parse_unsigned(std::string_view(tag).substr(kOwnTag.size()))) return Bytes{*count};
  }
  return std::nullopt;
}

void require_closed(const Volume& volume) {
  if (!volume.is_open) return;
  throw Error(ErrorCode::in_use, fmt::format("cannot grow volume {}: somebody has it open", quote(volume.name)))
      .set_hint("shut the guest down first");
}

}  // namespace

Volume grow_volume(const VolumeGroup& group, const Volume& volume, Bytes size, const Reached& reached,
                   const OpContext& op) {
  const std::optional<Bytes> unfinished = own_size(volume);
  if (size <= volume.size && !unfinished) return volume;
  require_closed(volume);
  if (volume.unwritten == Unwritten::zeros) return group.extend(volume, size, op);
  const Bytes own = unfinished.value_or(volume.size);
  const std::string tag = fmt::format("{}{}", kOwnTag, own.count);
  if (!unfinished) group.add_tag(volume.name, tag, op);
  Volume grown = group.extend(volume, size, op);
  VolumeDevice device(grown.device);
  device.zero({own.count, device.size().count}, reached, op);
  device.sync();
  group.remove_tag(volume.name, tag, op);
  std::erase(grown.tags, tag);
  return grown;
}

}  // namespace basecache::lvm
