#include "backends/lvm/lvm_volumes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/lvm/volume_growth.hpp"
#include "backends/lvm/volume_name.hpp"

namespace basecache::lvm {
namespace {

constexpr std::string_view kKeyTag = "basecache.key=";
constexpr std::string_view kNoKey = "none";
// Of a staged volume: a guest has written to it.
constexpr const char* kLeavingTag = "basecache.leaving";
constexpr const char* kGrowingTag = "basecache.growing";

std::string name_of(const provision::DiskPlace& place) {
  return volume_name({.instance = place.instance, .disk = place.disk});
}
std::string staged_name_of(const provision::DiskPlace& place) {
  return volume_name({.instance = place.instance, .disk = place.disk, .is_staged = true});
}

std::string key_tag(const std::string& key_id) {
  return fmt::format("{}{}", kKeyTag, key_id.empty() ? kNoKey : std::string_view(key_id));
}

bool has_tag(const Volume& volume, std::string_view tag) {
  return std::ranges::find(volume.tags, tag) != volume.tags.end();
}

// Nova's have no such tag and are what the request says.
void require_key(const Volume& volume, const std::string& key_id) {
  const bool is_told = std::ranges::any_of(volume.tags, [](const auto& tag) { return tag.starts_with(kKeyTag); });
  if (!is_told || has_tag(volume, key_tag(key_id))) return;
  throw Error(ErrorCode::invalid_request,
              fmt::format("volume {} was made with another key, or none, than the request names", quote(volume.name)))
      .set_hint(
          "ephemeral_key_uuid must stay what it was when the instance's disks were made; 'lvs -o +lv_tags' tells");
}

provision::DiskIo io_of(const Volume& volume) {
  return volume.kind == VolumeKind::linear ? provision::DiskIo::native : provision::DiskIo::automatic;
}

bool is_mapped(const std::string& volume) { return boost::filesystem::exists(DmCrypt::device_of(volume)); }

// An encrypted volume that is open is always used: by its plain text.
bool is_open(const Volume& volume) { return is_mapped(volume.name) ? DmCrypt::is_used(volume.name) : volume.is_open; }

void require_closed(const Volume& volume, std::string_view verb) {
  if (!volume.is_open) return;
  throw Error(ErrorCode::in_use, fmt::format("cannot {} volume {}: somebody has it open", verb, quote(volume.name)))
      .set_hint("shut the guest down first ('lsof' tells who has it)");
}

}  // namespace

LvmVolumes::LvmVolumes(LvmSettings settings) : clear_(settings.clear), crypt_(std::move(settings.crypt)) {
  if (settings.group) group_.emplace(*std::move(settings.group));
}

const VolumeGroup& LvmVolumes::group() const {
  if (group_) return *group_;
  throw Error(ErrorCode::invalid_request, "this node has no volume group for disks on LVM")
      .set_hint("set [libvirt] images_volume_group, or ask for another images_type");
}

std::vector<provision::DiskVolume> LvmVolumes::volumes(const OpContext& op) {
  std::vector<provision::DiskVolume> disks;
  if (!group_) return disks;
  for (const Volume& volume : group_->volumes(op)) {
    const auto name = parse_volume_name(volume.name);
    if (!name) continue;
    const bool is_plain_text = !name->is_staged && is_mapped(volume.name);
    disks.push_back({.instance = name->instance,
                     .disk = name->disk,
                     .path = is_plain_text ? DmCrypt::device_of(volume.name) : volume.device,
                     .size = volume.size,
                     .io = io_of(volume),
                     .is_staged = name->is_staged,
                     .is_open = !name->is_staged && is_open(volume)});
  }
  return disks;
}

provision::DiskPlace LvmVolumes::place(const provision::VolumeOwner& owner, const std::string& disk) const {
  provision::DiskPlace place{
      .instance = owner.instance.text(), .disk = disk, .staged = {}, .path = {}, .key_id = owner.key_id};
  const Path group_directory = Path("/dev") / group().name();
  place.staged = group_directory / staged_name_of(place);
  const std::string name = name_of(place);
  place.path = owner.key_id.empty() ? group_directory / name : DmCrypt::device_of(name);
  return place;
}

void LvmVolumes::publish(const provision::DiskPlace& place, const OpContext& op) {
  group().rename(staged_name_of(place), name_of(place), op);
}

// Of two volumes for one disk, the mapping is that of the visible one.
void LvmVolumes::remove(const provision::DiskVolume& volume, const OpContext& op) {
  const std::string visible = volume_name({.instance = volume.instance, .disk = volume.disk});
  const std::string staged = volume_name({.instance = volume.instance, .disk = volume.disk, .is_staged = true});
  const std::string& name = volume.is_staged ? staged : visible;
  const bool owns_mapping = !volume.is_staged || !group().find(visible, op);
  if (owns_mapping && is_mapped(visible)) DmCrypt::close(visible, op);
  const auto found = group().find(name, op);
  if (!found) return;
  require_closed(*found, "remove");
  if (!volume.is_staged) take_out_of_sight(*found, staged, op);
  const auto leaving = group().find(staged, op);
  if (leaving && has_tag(*leaving, kLeavingTag) && !leaving->is_broken) {
    const auto reached = [&](Bytes done) { op.report({"clear", volume.disk, done.count, leaving->size.count}); };
    clear_volume(leaving->device, leaving->unwritten, clear_, reached, op);
  }
  group().remove(staged, op);
}

void LvmVolumes::take_out_of_sight(const Volume& volume, const std::string& staged, const OpContext& op) const {
  group().remove(staged, op);
  if (!has_tag(volume, kLeavingTag)) group().add_tag(volume.name, kLeavingTag, op);
  group().rename(volume.name, staged, op);
}

OpenVolume LvmVolumes::create(const provision::DiskPlace& place, Bytes size, Bytes data, const OpContext& op) const {
  const bool is_encrypted = !place.key_id.empty();
  return opened(place,
                group().create({.name = staged_name_of(place),
                                .size = size,
                                .data = is_encrypted ? size : data,  // ciphertext has no holes
                                .tag = key_tag(place.key_id)},
                               op),
                op);
}

OpenVolume LvmVolumes::opened(const provision::DiskPlace& place, const Volume& volume, const OpContext& op) const {
  if (place.key_id.empty()) {
    return {.device = volume.device, .size = volume.size, .io = io_of(volume), .unwritten = volume.unwritten};
  }
  const std::string name = name_of(place);
  if (!is_mapped(name)) crypt_.open(name, volume.device, place.key_id, op);
  return {.device = DmCrypt::device_of(name), .size = volume.size, .io = io_of(volume)};
}

Volume LvmVolumes::existing(const provision::DiskPlace& place, const OpContext& op) const {
  const std::string name = name_of(place);
  auto found = group().find(name, op);
  if (!found) {
    throw Error(ErrorCode::not_found,
                fmt::format("volume group {} has no volume {}", quote(group().name()), quote(name)));
  }
  require_key(*found, place.key_id);
  return *std::move(found);
}

// A mapping keeps the size that its volume had when it was opened.
GrownVolume LvmVolumes::grow(const provision::DiskPlace& place, Bytes size, const Reached& reached,
                             const OpContext& op) const {
  Volume volume = existing(place, op);
  const bool is_unfinished = has_tag(volume, kGrowingTag) && !volume.is_open;  // what is left waits for its guest
  const bool grows = size > volume.size || is_unfinished;
  if (!grows) return {opened(place, volume, op), false};
  if (!place.key_id.empty() && is_mapped(volume.name)) {
    DmCrypt::close(volume.name, op);
    volume = existing(place, op);
  }
  require_closed(volume, "grow");
  if (!has_tag(volume, kGrowingTag)) group().add_tag(volume.name, kGrowingTag, op);
  return {opened(place, grow_volume(group(), volume, size, reached, op), op), true};
}

void LvmVolumes::end_growth(const provision::DiskPlace& place, const OpContext& op) const {
  group().remove_tag(name_of(place), kGrowingTag, op);
}

}  // namespace basecache::lvm
