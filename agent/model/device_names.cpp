#include "agent/model/device_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::model {
namespace {

// "/dev/vda" -> "vda" (nova/block_device.py, strip_dev).
std::string strip_dev(const std::string& name) { return name.starts_with("/dev/") ? name.substr(5) : name; }

const std::string& root_name(const BlockDevices& devices) {
  const auto booted = std::ranges::find_if(devices.volumes, &VolumeDevice::is_booted);
  return booted == devices.volumes.end() ? devices.root_device_name : booted->mount_device;
}

// The letters that stand for a bus (nova/block_device.py, strip_prefix); the hypervisor's own when the caller leaves it
// open. ubd was User-mode Linux' in the Novas that had it.
std::string prefix_told_by(const std::string& root, VirtType virt_type) {
  for (const std::string prefix : {"vd", "sd", "hd", "ubd"}) {
    if (root.starts_with(prefix)) return prefix;
  }
  return virt_type == VirtType::uml ? "ubd" : "vd";
}

// 0 -> "a", 25 -> "z", 26 -> "aa".
std::string letters_of(unsigned index) {
  std::string letters;
  for (unsigned rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return letters;
}

// nova/virt/libvirt/blockinfo.py, get_dev_count_for_disk_bus; QEMU has two floppy drives. 0: no limit.
unsigned most_of(const std::string& prefix) {
  if (prefix == "hd") return 4;
  return prefix == "fd" ? 2 : 0;
}

// The first name from "<prefix>a" on that isn't in any of them; "" when the bus has no more.
std::string first_free(const std::string& prefix, std::initializer_list<const std::set<std::string>*> taken) {
  const unsigned most = most_of(prefix);
  for (unsigned index = 0; most == 0 || index < most; ++index) {
    std::string name = prefix + letters_of(index);
    if (std::ranges::none_of(taken, [&](const auto* names) { return names->contains(name); })) return name;
  }
  return "";
}

std::string required(std::string name, const std::string& prefix) {
  if (!name.empty()) return name;
  throw Error(ErrorCode::invalid_request, fmt::format("the instance has more disks than the bus of {}a to {}{} takes",
                                                      prefix, prefix, letters_of(most_of(prefix) - 1)))
      .add_field("field", "block_device_info")
      .set_hint("ask for fewer disks, or for another hw_disk_bus");
}

}  // namespace

bool is_disk_name(std::string_view name) {
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  for (const std::string_view prefix : {"vd", "sd", "hd", "xvd", "fd", "ubd"}) {
    if (!name.starts_with(prefix)) continue;
    const std::size_t letters = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz", prefix.size());
    const bool has_letters = name.size() > prefix.size() && letters != prefix.size();
    return has_letters && name.find_first_not_of("0123456789", letters) == name.npos;
  }
  return false;
}

DeviceNames::DeviceNames(const BlockDevices& devices, VirtType virt_type, std::optional<DiskBus> wish,
                         const std::string& root_prefix) {
  const std::string root = strip_dev(root_name(devices));
  prefix_ = wish ? std::string(prefix_of(*wish)) : prefix_told_by(root, virt_type);
  for (const VolumeDevice& volume : devices.volumes) held_.insert(strip_dev(volume.mount_device));
  // A wish moves an unnamed root device, but not onto a volume: whether it is one was decided without the wish.
  const std::string& own = root_prefix.empty() ? prefix_ : root_prefix;
  const bool is_moved = wish || !root_prefix.empty();
  root_ = !root.empty() ? root : is_moved ? required(first_free(own, {&held_}), own) : own + "a";
  taken_.insert(root_);
  given_.insert(root_);
  root_is_volume_ = held_.contains(root_);
  for (const EphemeralDevice& ephemeral : devices.ephemerals) held_.insert(strip_dev(ephemeral.device_name));
  if (devices.swap && devices.swap->swap_mb > 0) held_.insert(strip_dev(devices.swap->device_name));
  held_.erase("");
  named_ = held_;
  if (devices.swap && !devices.swap->device_name.empty()) named_.insert(strip_dev(devices.swap->device_name));
}

// Nova passes over what block_device_info gives to others, but goes on behind the place that it would have taken.
std::string DeviceNames::take(const std::string& device_name) {
  if (!device_name.empty()) {
    std::string name = strip_dev(device_name);
    taken_.insert(name);
    if (given_.insert(name).second) return name;
    throw Error(ErrorCode::invalid_request, "block_device_info gives device " + quote(device_name) + " to two disks")
        .add_field("field", "block_device_info")
        .set_hint("give each a name of its own, or leave device_name out");
  }
  std::string name = next(prefix_);
  taken_.insert(name);
  while (named_.contains(name)) {
    name = next(prefix_);
    taken_.insert(name);
  }
  given_.insert(name);
  return name;
}

// Nova looks at what there is only: not at the name of a swap of no size.
std::string DeviceNames::take_of(const std::string& prefix) {
  std::string name = required(first_free(prefix, {&given_, &held_}), prefix);
  taken_.insert(name);
  given_.insert(name);
  return name;
}

std::string DeviceNames::next(const std::string& prefix) const {
  return required(first_free(prefix, {&taken_}), prefix);
}

bool DeviceNames::has_room_on(const std::string& prefix) const {
  return !first_free(prefix, {&given_, &held_}).empty();
}

}  // namespace basecache::model
