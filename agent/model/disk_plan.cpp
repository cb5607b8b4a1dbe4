#include "agent/model/disk_plan.hpp"

#include <algorithm>
#include <set>

#include "agent/base/error.hpp"

namespace basecache::model {
namespace {

// "/dev/vda" -> "vda" (nova/block_device.py, strip_dev).
std::string strip_dev(const std::string& name) { return name.starts_with("/dev/") ? name.substr(5) : name; }

// The device names that an instance's own disks have taken so far, in the order in which Nova hands them out
// (nova/virt/libvirt/blockinfo.py). Only what a name decides is followed here: whether a volume stands where a disk
// would go.
//
// Nova takes the bus from the image's properties, which no request has, and so from the root device's name here.
class DeviceNames {
 public:
  explicit DeviceNames(const BlockDevices& devices) {
    const std::string root = strip_dev(root_name(devices));
    prefix_ = prefix_of(root);
    root_ = root.empty() ? prefix_ + "a" : root;
    taken_.insert(root_);
    for (const VolumeDevice& volume : devices.volumes) held_.insert(strip_dev(volume.mount_device));
    root_is_volume_ = held_.contains(root_);
    for (const EphemeralDevice& ephemeral : devices.ephemerals) held_.insert(strip_dev(ephemeral.device_name));
    if (devices.swap && devices.swap->swap_mb > 0) held_.insert(strip_dev(devices.swap->device_name));
    held_.erase("");
  }

  bool root_is_volume() const { return root_is_volume_; }

  // The next name of the bus, unless block_device_info gives that one to something else (volume_in_mapping).
  bool next_is_free() const { return !held_.contains(next()); }
  void take_next() { taken_.insert(next()); }
  void take(const std::string& device_name) {
    device_name.empty() ? take_next() : static_cast<void>(taken_.insert(strip_dev(device_name)));
  }

 private:
  static const std::string& root_name(const BlockDevices& devices) {
    const auto booted = std::ranges::find_if(devices.volumes, &VolumeDevice::is_booted);
    return booted == devices.volumes.end() ? devices.root_device_name : booted->mount_device;
  }

  // The letters that stand for a bus (nova/block_device.py, strip_prefix); virtio's when the caller leaves it open.
  static std::string prefix_of(const std::string& root) {
    for (const std::string prefix : {"vd", "sd", "hd"}) {
      if (root.starts_with(prefix)) return prefix;
    }
    return "vd";
  }

  std::string next() const {
    for (unsigned index = 0;; ++index) {
      std::string name = prefix_ + suffix(index);
      if (!taken_.contains(name)) return name;
    }
  }

  // 0 -> "a", 25 -> "z", 26 -> "aa".
  static std::string suffix(unsigned index) {
    std::string letters;
    for (unsigned rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
      letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
    }
    return letters;
  }

  std::string prefix_;
  std::string root_;
  bool root_is_volume_ = false;
  std::set<std::string> taken_;
  std::set<std::string> held_;
};

// Builds the plan of one instance, disk by disk.
class Planner {
 public:
  Planner(const InstanceSpec& spec, const PlanDefaults& defaults)
      : spec_(spec),
        defaults_(defaults),
        images_type_(spec.images_type.value_or(defaults.images_type)),
        names_(spec.block_device_info) {}

  DiskPlan plan() {
    plan_boot_files();
    plan_root();
    // A rescued instance boots another root disk beside its own; its other disks are left as they are.
    if (spec_.suffix.empty()) {
      plan_default_ephemeral();
      plan_further_ephemerals();
      plan_swap();
    }
    // Forced means that a request can't do without it, either (nova/virt/configdrive.py, required_by).
    if (defaults_.force_config_drive || spec_.config_drive) plan_.config_drive = "disk.config" + spec_.suffix;
    return std::move(plan_);
  }

 private:
  void add(const std::string& name, BaseFileSpec base, std::optional<Bytes> size) {
    plan_.disks.push_back({name + spec_.suffix, std::move(base), images_type_, size});
  }

  // Files whatever the backend: who starts the instance reads them, not the guest. Without a kernel nobody would load
  // the ramdisk.
  void plan_boot_files() {
    if (!spec_.kernel_id) return;
    add_boot_file("kernel", *spec_.kernel_id);
    if (spec_.ramdisk_id) add_boot_file("ramdisk", *spec_.ramdisk_id);
  }

  void add_boot_file(const std::string& name, const ImageRef& ref) {
    plan_.disks.push_back({name + spec_.suffix, ImageBase{ref, {}, ImageUse::boot_file}, ImagesType::raw, {}});
  }

  void plan_root() {
    const bool from_volume = names_.root_is_volume() && spec_.suffix.empty();
    if (!spec_.image_ref && !from_volume) {
      throw Error(ErrorCode::invalid_request, "image_ref is missing, and no volume is the root device")
          .add_field("field", "image_ref")
          .set_hint("name an image, or a volume whose mount_device is root_device_name in block_device_info");
    }
    if (from_volume) return;
    // A rescue disk isn't grown: the flavor's size is that of the disk to be rescued.
    const bool own_size = spec_.flavor.root_gb == 0 || !spec_.suffix.empty();
    add("disk", ImageBase{*spec_.image_ref, spec_.checksum, ImageUse::disk},
        own_size ? std::nullopt : std::optional(gibibytes(spec_.flavor.root_gb)));
  }

  void add_ephemeral(const std::string& name, unsigned number, std::uint64_t size_gb,
                     const std::optional<std::string>& asked) {
    EphemeralFormat format = ephemeral_format(spec_.os_type, asked, defaults_);
    const unsigned told_apart_by = writes_label(format) ? number : 0;
    add(name, EphemeralBase{size_gb, std::move(format), told_apart_by}, gibibytes(size_gb));
  }

  void plan_default_ephemeral() {
    const bool wanted = spec_.flavor.ephemeral_gb > 0 && spec_.block_device_info.ephemerals.empty();
    if (!wanted || !names_.next_is_free()) return;
    names_.take_next();
    add_ephemeral("disk.local", 0, spec_.flavor.ephemeral_gb, std::nullopt);
  }

  void plan_further_ephemerals() {
    unsigned number = 0;
    for (const EphemeralDevice& ephemeral : spec_.block_device_info.ephemerals) {
      names_.take(ephemeral.device_name);
      add_ephemeral("disk.eph" + std::to_string(number), number, ephemeral.size_gb, ephemeral.guest_format);
      ++number;
    }
  }

  void plan_swap() {
    // Without a device name it gets the next one, as Nova gives it one while it maps the devices.
    const std::optional<SwapDevice>& device = spec_.block_device_info.swap;
    if (device && device->swap_mb > 0) return add_swap(device->swap_mb);
    if (spec_.flavor.swap_mb > 0 && names_.next_is_free()) add_swap(spec_.flavor.swap_mb);
  }

  void add_swap(std::uint64_t swap_mb) { add("disk.swap", SwapBase{swap_mb}, mebibytes(swap_mb)); }

  const InstanceSpec& spec_;
  const PlanDefaults& defaults_;
  ImagesType images_type_;
  DeviceNames names_;
  DiskPlan plan_;
};

}  // namespace

DiskPlan plan_disks(const InstanceSpec& spec, const PlanDefaults& defaults) { return Planner(spec, defaults).plan(); }

// Nova makes it plain.
void require_key(const DiskSpec& disk, const std::string& key_id, const PlanDefaults& defaults) {
  const auto* image = std::get_if<ImageBase>(&disk.base);
  if (image != nullptr && image->use == ImageUse::boot_file) return;
  const bool encrypts = disk.images_type == ImagesType::lvm && defaults.encrypts_volumes;
  if (encrypts != key_id.empty()) return;
  Error error(ErrorCode::invalid_request, encrypts ? "ephemeral_key_uuid is missing: disks on LVM are encrypted here"
                                                   : "ephemeral_key_uuid is given, but the disk wouldn't be encrypted");
  error.add_field("field", "ephemeral_key_uuid")
      .set_hint(encrypts ? "name the key that the instance's disks are encrypted with"
                         : "only images_type lvm encrypts, where [ephemeral_storage_encryption] enabled is set");
  throw error;
}

EphemeralFormat ephemeral_format(const std::string& os_type, const std::optional<std::string>& asked,
                                 const PlanDefaults& defaults) {
  for (const std::string& key : {os_type, std::string("default")}) {
    const auto command = defaults.mkfs_commands.find(key);
    if (command == defaults.mkfs_commands.end()) continue;
    if (command->second) return *command->second;
    break;
  }
  return asked.value_or(ephemeral_file_system(os_type, defaults.default_ephemeral_format));
}

std::string ephemeral_file_system(std::string_view os_type, std::string_view default_format) {
  if (!default_format.empty()) return std::string(default_format);
  if (os_type == "linux") return "ext4";
  return os_type == "windows" ? "ntfs" : "vfat";
}

}  // namespace basecache::model
