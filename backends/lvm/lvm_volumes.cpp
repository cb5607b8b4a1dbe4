#include "backends/lvm/lvm_volumes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <chrono>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/lvm/volume_growth.hpp"
#include "backends/lvm/volume_name.hpp"

namespace basecache::lvm {
namespace {

constexpr std::string_view kKeyTag = "basecache.key=";
constexpr const char* kGrowingTag = "basecache.growing";

// Wiping takes as long as writing it all.
constexpr std::chrono::hours kClearingTime{24};
// udev looks at a device after each write to it, and has it open for that.
constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr int kLooks = 5;

std::string name_of(const provision::DiskPlace& place) {
  return volume_name({.instance = place.instance, .disk = place.disk});
}
std::string staged_name_of(const provision::DiskPlace& place) {
  return volume_name({.instance = place.instance, .disk = place.disk, .is_staged = true});
}

template <class Wanted>
std::optional<Volume> find_in(const std::vector<Volume>& volumes, Wanted&& wanted) {
  const auto found = std::ranges::find_if(volumes, wanted);
  return found == volumes.end() ? std::nullopt : std::optional(*found);
}

// Also while it has the name of one that grows.
std::optional<Volume> find_disk(const std::vector<Volume>& volumes, const std::string& name) {
  return find_in(volumes, [&](const Volume& volume) { return visible_name(volume) == name; });
}

bool has_tag(const Volume& volume, std::string_view tag) {
  return std::ranges::find(volume.tags, tag) != volume.tags.end();
}

// What LVM says of an encrypted one is that its mapping has it open.
bool is_used(const Volume& volume, const std::string& name) {
  return DmCrypt::is_open_over(name, volume.device) ? DmCrypt::is_used(name) : volume.is_open;
}

provision::DiskIo io_of(const Volume& volume) {
  return volume.kind == VolumeKind::linear ? provision::DiskIo::native : provision::DiskIo::automatic;
}

OpenVolume plain(const Volume& volume) {
  return {.device = volume.device, .size = volume.size, .io = io_of(volume), .unwritten = volume.unwritten};
}

// The plain text of a volume. Its zeros aren't the volume's.
OpenVolume decrypted(const Path& device, const Volume& volume) {
  return {.device = device, .size = volume.size, .io = io_of(volume)};
}

// There is no such group, or no LVM. That it failed says nothing.
bool is_absent(const Error& error) {
  const bool was_run = std::ranges::any_of(error.fields(), [](const auto& field) { return field.first == "exit"; });
  return error.code() == ErrorCode::storage_unusable || (error.code() == ErrorCode::tool_failed && !was_run);
}

}  // namespace

LvmVolumes::LvmVolumes(LvmSettings settings)
    : is_required_(settings.is_required),
      clear_(settings.clear),
      cipher_(fmt::format("{}/{}", settings.crypt.encryption.cipher, settings.crypt.encryption.key_bits)),
      crypt_(std::move(settings.crypt)) {
  if (settings.group) group_.emplace(*std::move(settings.group));
}

const VolumeGroup& LvmVolumes::group() const {
  if (group_) return *group_;
  throw Error(ErrorCode::invalid_request, "this node has no volume group for disks on LVM")
      .set_hint("set [libvirt] images_volume_group, or ask for another images_type");
}

std::vector<Volume> LvmVolumes::listed(const OpContext& op) const {
  if (!group_) return {};
  try {
    return group_->volumes(op);
  } catch (const Error& error) {
    if (is_required_ || !is_absent(error)) throw;
    return {};
  }
}

std::vector<provision::DiskVolume> LvmVolumes::volumes(const OpContext& op) {
  std::vector<provision::DiskVolume> disks;
  for (const Volume& volume : listed(op)) {
    const auto found = parse_volume_name(volume.name);
    if (!found) continue;
    const std::string name = volume_name({.instance = found->instance, .disk = found->disk});
    const bool is_plain_text = !found->is_staged && DmCrypt::is_open_over(name, volume.device);
    disks.push_back({.instance = found->instance,
                     .disk = found->disk,
                     .path = is_plain_text ? DmCrypt::device_of(name) : volume.device,
                     .size = volume.size,
                     .io = io_of(volume),
                     .is_staged = found->is_staged,
                     .is_open = !found->is_staged && is_used(volume, name)});
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

// As it is when nobody has it open any more, which may be soon.
Volume LvmVolumes::closed(Volume volume, std::string_view verb, const OpContext& op) const {
  for (int look = 1; volume.is_open; ++look) {
    if (look > kLooks) {
      throw Error(ErrorCode::in_use, fmt::format("cannot {} volume {}: somebody has it open", verb, quote(volume.name)))
          .set_hint("shut the guest down first ('lsof' tells who has it)");
    }
    op.wait_for(kBetweenLooks);
    volume = group().required(volume.name, op);
  }
  return volume;
}

// A guest that was started before the name was gone is told from one that wasn't by a second look.
void LvmVolumes::remove(const provision::DiskVolume& disk, const OpContext& op) {
  const std::string name = volume_name({.instance = disk.instance, .disk = disk.disk});
  const std::string staged = volume_name({.instance = disk.instance, .disk = disk.disk, .is_staged = true});
  const std::vector<Volume> all = group().volumes(op);
  const auto left = find_in(all, [&](const Volume& volume) { return volume.name == staged; });
  if (left && disk.is_staged) return remove_staged(*left, disk, op);
  const auto found = disk.is_staged ? std::nullopt : find_disk(all, name);
  if (!found) return;
  if (DmCrypt::is_open_over(name, found->device)) DmCrypt::close(name, op);
  const Volume volume = closed(*found, "remove", op);
  if (left) remove_staged(*left, disk, op);
  group().rename(volume.name, staged, op);
  try {
    remove_staged(group().required(staged, op), disk, op);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::in_use) group().rename(staged, volume.name, op);
    throw;
  }
}

void LvmVolumes::remove_staged(const Volume& volume, const provision::DiskVolume& disk, const OpContext& op) const {
  const std::string name = volume_name({.instance = disk.instance, .disk = disk.disk});
  if (DmCrypt::is_open_over(name, volume.device)) DmCrypt::close(name, op);
  wipe(closed(volume, "remove", op), disk.disk, op);
  group().remove(volume.name, op);
}

// Nobody can write to a broken one, nor read it.
void LvmVolumes::wipe(const Volume& volume, const std::string& disk, const OpContext& op) const {
  if (volume.is_broken || clear_.method == ClearMethod::none) return;
  const auto reached = [&](Bytes done) { op.report({"clear", disk, done.count, volume.size.count}); };
  const OpContext unhurried(op.id(), op.stop(), OpContext::Clock::now() + kClearingTime);
  activate(volume, op);
  clear_volume(volume.device, volume.unwritten, clear_, reached, unhurried);
}

void LvmVolumes::activate(const Volume& volume, const OpContext& op) const {
  if (!boost::filesystem::exists(volume.device)) group().activate(volume.name, op);
}

std::string LvmVolumes::key_tag(const std::string& key_id) const {
  return std::string(kKeyTag) + (key_id.empty() ? "none" : key_id + "/" + cipher_);
}

// Nova's have no such tag and are what the request says.
void LvmVolumes::require_key(const Volume& volume, const std::string& key_id) const {
  const bool is_told = std::ranges::any_of(volume.tags, [](const auto& tag) { return tag.starts_with(kKeyTag); });
  if (!is_told || has_tag(volume, key_tag(key_id))) return;
  throw Error(ErrorCode::invalid_request,
              fmt::format("volume {} was made with another key or cipher, or none, than it would be opened with",
                          quote(volume.name)))
      .set_hint(
          "ephemeral_key_uuid and [ephemeral_storage_encryption] must stay what they were when the instance's disks "
          "were "
          "made; 'lvs -o +lv_tags' tells");
}

OpenVolume LvmVolumes::create(const provision::DiskPlace& place, Bytes size, Bytes data, const OpContext& op) const {
  const bool is_encrypted = !place.key_id.empty();
  const Volume made = group().create({.name = staged_name_of(place),
                                      .size = size,
                                      .data = is_encrypted ? size : data,  // ciphertext has no holes
                                      .tag = key_tag(place.key_id)},
                                     op);
  if (!is_encrypted) return plain(made);
  return decrypted(crypt_.open(name_of(place), made.device, place.key_id, op), made);
}

OpenVolume LvmVolumes::opened(const provision::DiskPlace& place, const Volume& volume, const OpContext& op) const {
  if (place.key_id.empty()) return plain(volume);
  const std::string name = name_of(place);
  if (DmCrypt::is_open_over(name, volume.device)) return decrypted(DmCrypt::device_of(name), volume);
  return decrypted(crypt_.open(name, volume.device, place.key_id, op), volume);
}

Volume LvmVolumes::existing(const provision::DiskPlace& place, const OpContext& op) const {
  const std::string name = name_of(place);
  const auto found = find_disk(group().volumes(op), name);
  if (!found) {
    throw Error(ErrorCode::not_found,
                fmt::format("volume group {} has no volume {}", quote(group().name()), quote(name)));
  }
  require_key(*found, place.key_id);
  activate(*found, op);
  return *found;
}

// A mapping keeps the size that its volume had when it was opened.
GrownVolume LvmVolumes::grow(const provision::DiskPlace& place, Bytes size, const Reached& reached,
                             const OpContext& op) const {
  Volume volume = existing(place, op);
  const std::string name = name_of(place);
  // What is left of an earlier growth waits for the guest that runs on it.
  const bool is_unfinished = has_tag(volume, kGrowingTag) && !is_used(volume, name);
  if (size <= volume.size && !is_growing(volume) && !is_unfinished) return {opened(place, volume, op), false};
  group().require_room_to_grow(volume, size, op);
  if (DmCrypt::is_open_over(name, volume.device)) DmCrypt::close(name, op);
  volume = closed(volume, "grow", op);
  if (!has_tag(volume, kGrowingTag)) group().add_tag(volume.name, kGrowingTag, op);
  return {opened(place, grow_volume(group(), volume, size, reached, op), op), true};
}

void LvmVolumes::end_growth(const provision::DiskPlace& place, const OpContext& op) const {
  group().remove_tag(name_of(place), kGrowingTag, op);
}

}  // namespace basecache::lvm
