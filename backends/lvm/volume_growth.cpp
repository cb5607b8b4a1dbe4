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
constexpr std::string_view kGrowingSuffix = ".growing";

std::string own_tag(Bytes size) { return fmt::format("{}{}", kOwnTag, size.count); }

// The size that an earlier call, cut short, began from.
std::optional<Bytes> own_size(const Volume& volume) {
  for (const std::string& tag : volume.tags) {
    if (!tag.starts_with(kOwnTag)) continue;
    if (const auto count = parse_unsigned(std::string_view(tag).substr(kOwnTag.size()))) return Bytes{*count};
  }
  return std::nullopt;
}

// Takes its name away, then marks it with its size. What an earlier call has done of that stays.
Volume hidden(const VolumeGroup& group, const Volume& volume, Bytes own, const OpContext& op) {
  const std::string name = visible_name(volume) + std::string(kGrowingSuffix);
  if (!is_growing(volume)) group.rename(volume.name, name, op);
  if (!is_growing(volume) || !own_size(volume)) group.add_tag(name, own_tag(own), op);
  return group.required(name, op);
}

}  // namespace

bool is_growing(const Volume& volume) { return volume.name.ends_with(kGrowingSuffix); }

std::string visible_name(const Volume& volume) {
  return volume.name.substr(0, volume.name.size() - (is_growing(volume) ? kGrowingSuffix.size() : 0));
}

Volume grow_volume(const VolumeGroup& group, const Volume& volume, Bytes size, const Reached& reached,
                   const OpContext& op) {
  if (size <= volume.size && !is_growing(volume)) return volume;
  if (volume.is_open) {
    throw Error(ErrorCode::in_use, fmt::format("cannot grow volume {}: somebody has it open", quote(volume.name)))
        .set_hint("shut the guest down first");
  }
  if (volume.unwritten == Unwritten::zeros) return group.extend(volume, size, op);
  group.require_room_to_grow(volume, size, op);
  const std::string name = visible_name(volume);
  const Bytes own = is_growing(volume) ? own_size(volume).value_or(volume.size) : volume.size;
  const Volume grown = group.extend(hidden(group, volume, own, op), size, op);
  VolumeDevice device(grown.device);
  device.zero({own.count, device.size().count}, reached, op);
  device.sync();
  group.remove_tag(grown.name, own_tag(own), op);
  group.rename(grown.name, name, op);
  return group.required(name, op);
}

}  // namespace basecache::lvm
