#include "backends/lvm/volume_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "backends/lvm/uninterrupted_run.hpp"
#include "backends/lvm/volume_name.hpp"

namespace basecache::lvm {
namespace {

constexpr const char* kGroupHint =
    "'vgs' lists the volume groups of this host; [libvirt] images_volume_group must be one of them";
constexpr const char* kPoolHint =
    "'lvs' lists the volumes of the group; [basecache] lvm_thin_pool must be a thin pool of it";
constexpr const char* kGroupFullHint = "remove volumes ('lvs' lists them), or add a disk to the group (vgextend)";
constexpr const char* kPoolFullHint = "extend the thin pool (lvextend), or remove volumes of it";

bool says(const CompletedProcess& done, std::string_view words) { return done.errors.find(words) != std::string::npos; }

// LVM has one exit code for all failures; its words are English (LC_ALL=C).
constexpr std::string_view kNoGroup = "Cannot process volume group";
struct Meaning {
  std::string_view words;
  ErrorCode code;
  const char* hint;
};
constexpr std::array<Meaning, 6> kMeanings{{
    {kNoGroup, ErrorCode::storage_unusable, kGroupHint},
    {"insufficient free space", ErrorCode::no_space, kGroupFullHint},
    {"Insufficient free space", ErrorCode::no_space, kGroupFullHint},
    {"already exists", ErrorCode::already_exists, ""},
    {" in use", ErrorCode::in_use, "shut the guest down, or end what has it open ('lsof' tells who)"},
    {"is used by another device", ErrorCode::in_use, "close what stands on it ('dmsetup ls --tree' tells what)"},
}};

void require_change(const CompletedProcess& done, const std::string& doing) {
  try {
    require_success(done, doing);
  } catch (const Error& failure) {
    const auto meaning = std::ranges::find_if(kMeanings, [&](const Meaning& one) { return says(done, one.words); });
    if (meaning == kMeanings.end()) throw;
    Error error(meaning->code, failure.message());
    error.set_hint(meaning->hint);
    for (const auto& [name, value] : failure.fields()) error.add_field(name, value);
    throw error;
  }
}

void change(Argv argv, const std::string& doing, const OpContext& op) {
  require_change(run_uninterrupted({.argv = std::move(argv)}, op), doing);
}

Bytes in_extents(Bytes size, Bytes extent) { return {(size.count + extent.count - 1) / extent.count * extent.count}; }

std::string exact(Bytes size) { return fmt::format("{} ({} bytes)", to_text(size), size.count); }

void require_room(Bytes needed, Bytes free, const std::string& doing, const char* hint) {
  if (needed <= free) return;
  throw Error(ErrorCode::no_space,
              fmt::format("cannot {}: it takes {}, and {} are free", doing, exact(needed), exact(free)))
      .set_hint(hint)
      .add_field("needed_bytes", std::to_string(needed.count))
      .add_field("free_bytes", std::to_string(free.count));
}

}  // namespace

VolumeGroup::VolumeGroup(GroupSettings settings) : settings_(std::move(settings)) {
  check_group_name(settings_.name, "[libvirt] images_volume_group");
  if (settings_.allocation == Allocation::thin) check_volume_name(settings_.name, settings_.thin_pool);
}

std::string VolumeGroup::report(Argv argv, const OpContext& op) const {
  const CompletedProcess done = run({.argv = std::move(argv)}, op);
  if (says(done, kNoGroup)) {
    throw Error(ErrorCode::storage_unusable, "there is no volume group " + quote(name())).set_hint(kGroupHint);
  }
  require_success(done, "look at volume group " + quote(name()));
  return done.output;
}

GroupSpace VolumeGroup::space(const OpContext& op) const {
  const auto space = parse_group_report(report(group_report_argv(name()), op));
  if (space) return *space;
  throw Error(ErrorCode::tool_failed, "lvm reports nothing about volume group " + quote(name()));
}

std::vector<Volume> VolumeGroup::volumes(const OpContext& op) const {
  return parse_volume_report(report(volume_report_argv(name()), op));
}

std::optional<Volume> VolumeGroup::find(std::string_view volume, const OpContext& op) const {
  const std::vector<Volume> all = volumes(op);
  const auto found = std::ranges::find(all, volume, &Volume::name);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

Volume VolumeGroup::required(const std::string& volume, const OpContext& op) const {
  if (auto found = find(volume, op)) return *std::move(found);
  throw Error(ErrorCode::not_found, fmt::format("volume group {} has no volume {}", quote(name()), quote(volume)));
}

Volume VolumeGroup::pool(const OpContext& op) const {
  const auto found = find(settings_.thin_pool, op);
  if (found && found->kind == VolumeKind::pool) return *found;
  const std::string_view fault = found ? "is no thin pool" : "isn't there";
  throw Error(ErrorCode::storage_unusable,
              fmt::format("{} of volume group {} {}", quote(settings_.thin_pool), quote(name()), fault))
      .set_hint(kPoolHint);
}

// The command that makes it, once there is room for it.
Argv VolumeGroup::room_checked_argv(const NewVolume& volume, const OpContext& op) const {
  const std::string doing =
      fmt::format("make volume {} of {} in {}", quote(volume.name), to_text(volume.size), quote(name()));
  if (settings_.allocation == Allocation::thin) {
    require_room(volume.data, pool(op).free, doing + " from thin pool " + quote(settings_.thin_pool), kPoolFullHint);
    return create_thin_argv(name(), volume.name, volume.size, settings_.thin_pool);
  }
  const GroupSpace group = space(op);
  const bool is_sparse = settings_.allocation == Allocation::sparse;
  const Bytes taken = is_sparse ? store_size(volume.data) : volume.size;
  require_room(in_extents(taken, group.extent), group.free, doing, kGroupFullHint);
  return is_sparse ? create_sparse_argv(name(), volume.name, volume.size, taken)
                   : create_linear_argv(name(), volume.name, volume.size);
}

Volume VolumeGroup::create(const NewVolume& volume, const OpContext& op) const {
  check_volume_name(name(), volume.name);
  Argv argv = room_checked_argv(volume, op);
  if (!volume.tag.empty()) argv.insert(argv.end(), {"--addtag", volume.tag});
  change(std::move(argv), fmt::format("make volume {} in {}", quote(volume.name), quote(name())), op);
  return required(volume.name, op);
}

void VolumeGroup::rename(const std::string& from, const std::string& to, const OpContext& op) const {
  check_volume_name(name(), from);
  check_volume_name(name(), to);
  change(rename_argv(name(), from, to), fmt::format("rename volume {} to {}", quote(from), quote(to)), op);
}

Volume VolumeGroup::extend(const Volume& volume, Bytes size, const OpContext& op) const {
  if (size <= volume.size) return volume;
  const std::string doing =
      fmt::format("grow volume {} from {} to {}", quote(volume.name), to_text(volume.size), to_text(size));
  if (volume.kind != VolumeKind::linear && volume.kind != VolumeKind::thin) {
    throw Error(ErrorCode::invalid_request, fmt::format("cannot {}: LVM can't grow volumes of its kind", doing))
        .set_hint("delete the disk and make it again, or have linear or thin volumes");
  }
  if (volume.kind == VolumeKind::linear) {
    const GroupSpace group = space(op);
    require_room(in_extents(size, group.extent) - volume.size, group.free, doing, kGroupFullHint);
  }
  change(extend_argv(name(), volume.name, size), doing, op);
  return required(volume.name, op);
}

Bytes VolumeGroup::whole_extents(Bytes size, const OpContext& op) const { return in_extents(size, space(op).extent); }

void VolumeGroup::remove(const std::string& volume, const OpContext& op) const {
  check_volume_name(name(), volume);
  const CompletedProcess done = run_uninterrupted({.argv = remove_argv(name(), volume)}, op);
  if (!says(done, "Failed to find logical volume")) {
    require_change(done, fmt::format("remove volume {} of {}", quote(volume), quote(name())));
  }
}

void VolumeGroup::add_tag(const std::string& volume, const std::string& tag, const OpContext& op) const {
  change(add_tag_argv(name(), volume, tag), "mark volume " + quote(volume), op);
}

void VolumeGroup::remove_tag(const std::string& volume, const std::string& tag, const OpContext& op) const {
  change(remove_tag_argv(name(), volume, tag), "mark volume " + quote(volume), op);
}

}  // namespace basecache::lvm
