#include "backends/lvm/volume_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

constexpr std::string_view kStagedSuffix = ".staged";
constexpr std::string_view kGrowingSuffix = ".growing";
constexpr std::size_t kUuidLength = 36;

// DM_NAME_LEN of <linux/dm-ioctl.h>, without its end.
constexpr std::size_t kLongestMappedName = 127;
// LVM appends its own to the parts of a volume: "_vorigin", "-real", "-cow", "_tdata".
constexpr std::size_t kRoomForParts = std::string_view("_vorigin-real").size();

// What LVM calls its own parts of volumes (lvm(8); _cpool, _cvol and _imeta are refused without being told there).
constexpr std::array<std::string_view, 17> kReservedParts{
    "_cdata",  "_cmeta", "_corig",   "_cpool", "_cvol",  "_imeta", "_iorig",   "_mimage", "_mlog",
    "_rimage", "_rmeta", "_pmspare", "_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig"};
constexpr std::array<std::string_view, 4> kReservedNames{".", "..", "snapshot", "pvmove"};

bool is_legal(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '+' || letter == '_' || letter == '.' || letter == '-';
}

bool is_reserved(std::string_view volume) {
  return std::ranges::find(kReservedNames, volume) != kReservedNames.end() || volume.starts_with("pvmove") ||
         volume.starts_with("snapshot") || std::ranges::any_of(kReservedParts, [&](std::string_view part) {
           return volume.find(part) != std::string_view::npos;
         });
}

// What is wrong with it, for a message; nothing: it is one.
std::string_view fault_of(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.starts_with('-')) return "it starts with a dash";
  if (!std::ranges::all_of(name, is_legal)) return "LVM names are made of a-z A-Z 0-9 + _ . -";
  if (name == "." || name == "..") return "it is a directory's";
  return {};
}

// device-mapper's name for both: joined by a dash, every dash of theirs doubled.
std::size_t mapped_length(std::string_view group, std::string_view volume) {
  const auto dashes = std::ranges::count(group, '-') + std::ranges::count(volume, '-');
  return group.size() + 1 + volume.size() + static_cast<std::size_t>(dashes);
}

std::string escaped(std::string_view disk) {
  std::string text;
  for (const char letter : disk) text.append(letter == '_' ? 2 : 1, letter);
  return text;
}

// Nothing when an underscore stands alone: then nobody escaped it.
std::optional<std::string> unescaped(std::string_view text) {
  std::string disk;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '_' && text.substr(at, 2) != "__") return std::nullopt;
    if (text[at] == '_') ++at;
    disk += text[at];
  }
  return disk;
}

std::string_view fault_of_disk(std::string_view disk) {
  std::string_view fault = fault_of(disk);
  if (fault.empty() && (disk.ends_with(kStagedSuffix) || disk.ends_with(kGrowingSuffix))) {
    fault = "it ends as the names of volumes in the making do";
  }
  return fault;
}

void check_disk_name(std::string_view disk) {
  const std::string_view fault = fault_of_disk(disk);
  if (fault.empty()) return;
  throw Error(ErrorCode::invalid_request, fmt::format("disk {} can't be a volume: {}", quote(disk), fault));
}

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return false;
  name.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::string volume_name(const InstanceVolume& volume) {
  if (!is_uuid(volume.instance)) {
    throw Error(ErrorCode::invalid_request, "instance " + quote(volume.instance) + " is not a uuid");
  }
  check_disk_name(volume.disk);
  const std::string_view suffix = volume.is_staged ? kStagedSuffix : volume.is_growing ? kGrowingSuffix : "";
  return fmt::format("{}_{}{}", volume.instance, escaped(volume.disk), suffix);
}

std::optional<InstanceVolume> parse_volume_name(std::string_view name) {
  if (name.size() < kUuidLength + 2 || name[kUuidLength] != '_' || !is_uuid(name.substr(0, kUuidLength))) {
    return std::nullopt;
  }
  InstanceVolume volume{.instance = std::string(name.substr(0, kUuidLength)), .disk = {}};
  name.remove_prefix(kUuidLength + 1);
  volume.is_staged = take_suffix(name, kStagedSuffix);
  volume.is_growing = !volume.is_staged && take_suffix(name, kGrowingSuffix);
  const auto disk = unescaped(name);
  if (!disk || !fault_of_disk(*disk).empty()) return std::nullopt;
  volume.disk = *disk;
  return volume;
}

void check_group_name(std::string_view group, std::string_view option) {
  std::string_view fault = fault_of(group);
  if (fault.empty() && group.size() > kLongestMappedName) fault = "it is too long";
  if (fault.empty()) return;
  throw Error(ErrorCode::invalid_request,
              fmt::format("{}: {} can't be a volume group: {}", option, quote(group), fault))
      .set_hint("'vgs' lists the volume groups of this host");
}

void check_volume_name(std::string_view group, std::string_view volume) {
  std::string_view fault = fault_of(volume);
  if (fault.empty() && is_reserved(volume)) fault = "LVM keeps it for itself";
  if (fault.empty() && mapped_length(group, volume) + kRoomForParts > kLongestMappedName) {
    fault = "it is too long, together with the volume group's name";
  }
  if (fault.empty()) return;
  throw Error(ErrorCode::invalid_request,
              fmt::format("{} can't be a volume of {}: {}", quote(volume), quote(group), fault));
}

}  // namespace basecache::lvm
