#include "agent/model/disk_plan.hpp"

#include "agent/base/error.hpp"
#include "agent/model/device_names.hpp"

namespace basecache::model {
namespace {

// A rescue disk is the first of its image's bus, else of the root device's, before everything else.
BlockDevices rescue_devices(const InstanceSpec& spec, const BusWishes& wishes) {
  BlockDevices devices;
  if (!wishes.disk) devices.root_device_name = spec.block_device_info.root_device_name;
  return devices;
}

std::string cdrom_prefix(const BusWishes& wishes, const PlanDefaults& defaults) {
  return wishes.cdrom ? std::string(prefix_of(*wishes.cdrom)) : defaults.cdrom_prefix;
}

Error no_drive_to_refresh() {
  return Error(ErrorCode::invalid_request, "refresh_config_drive is set, but no config drive is wanted")
      .add_field("field", "refresh_config_drive")
      .set_hint("set config_drive too (basecache create --config-drive)");
}

// Builds the plan of one instance, disk by disk.
class Planner {
 public:
  Planner(const InstanceSpec& spec, const PlanDefaults& defaults, const BusWishes& wishes)
      : spec_(spec),
        defaults_(defaults),
        images_type_(spec.images_type.value_or(defaults.images_type)),
        names_(spec.suffix.empty() ? spec.block_device_info : rescue_devices(spec, wishes), defaults.virt_type,
               wishes.disk, wishes.root_is_disc ? cdrom_prefix(wishes, defaults) : "") {
    plan_.buses = wishes;
  }

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
    if (defaults_.force_config_drive || spec_.config_drive) {
      plan_config_drive();
    } else if (spec_.refresh_config_drive) {
      throw no_drive_to_refresh();
    }
    return std::move(plan_);
  }

 private:
  void add(const std::string& name, BaseFileSpec base, std::optional<Bytes> size, std::string device) {
    plan_.disks.push_back({name + spec_.suffix, std::move(base), images_type_, size, std::move(device)});
  }

  // Files whatever the backend: who starts the instance reads them, not the guest. Without a kernel nobody would load
  // the ramdisk.
  void plan_boot_files() {
    if (!spec_.kernel_id) return;
    add_boot_file("kernel", *spec_.kernel_id);
    if (spec_.ramdisk_id) add_boot_file("ramdisk", *spec_.ramdisk_id);
  }

  void add_boot_file(const std::string& name, const ImageRef& ref) {
    plan_.disks.push_back({name + spec_.suffix, ImageBase{ref, {}, ImageUse::boot_file}, ImagesType::raw, {}, ""});
  }

  void plan_root() {
    plan_.root_device = names_.root();
    const bool from_volume = names_.root_is_volume();
    if (!spec_.image_ref && !from_volume) {
      throw Error(ErrorCode::invalid_request, "image_ref is missing, and no volume is the root device")
          .add_field("field", "image_ref")
          .set_hint("name an image, or a volume whose mount_device is root_device_name in block_device_info");
    }
    plan_.makes_root = !from_volume;
    if (from_volume) return;
    // A rescue disk isn't grown: the flavor's size is that of the disk to be rescued.
    const bool own_size = spec_.flavor.root_gb == 0 || !spec_.suffix.empty();
    add(kRootDisk, ImageBase{*spec_.image_ref, spec_.checksum, ImageUse::disk},
        own_size ? std::nullopt : std::optional(gibibytes(spec_.flavor.root_gb)), names_.root());
    plan_.disks.back().is_disc = plan_.buses.root_is_disc;
    if (!spec_.suffix.empty()) plan_.rescued_device = names_.take();
  }

  void add_ephemeral(const std::string& name, unsigned number, std::uint64_t size_gb,
                     const std::optional<std::string>& asked, std::string device) {
    EphemeralFormat format = ephemeral_format(spec_.os_type, asked, defaults_);
    const unsigned told_apart_by = writes_label(format) ? number : 0;
    add(name, EphemeralBase{size_gb, std::move(format), told_apart_by}, gibibytes(size_gb), std::move(device));
  }

  void plan_default_ephemeral() {
    const bool wanted = spec_.flavor.ephemeral_gb > 0 && spec_.block_device_info.ephemerals.empty();
    if (!wanted || !names_.next_is_free()) return;
    add_ephemeral("disk.local", 0, spec_.flavor.ephemeral_gb, std::nullopt, names_.take());
  }

  void plan_further_ephemerals() {
    unsigned number = 0;
    for (const EphemeralDevice& ephemeral : spec_.block_device_info.ephemerals) {
      add_ephemeral("disk.eph" + std::to_string(number), number, ephemeral.size_gb, ephemeral.guest_format,
                    names_.take(ephemeral.device_name));
      ++number;
    }
  }

  void plan_swap() {
    // Without a device name it gets the next one, as Nova gives it one while it maps the devices.
    const std::optional<SwapDevice>& device = spec_.block_device_info.swap;
    if (device && device->swap_mb > 0) return add_swap(device->swap_mb, device->device_name);
    if (spec_.flavor.swap_mb > 0 && names_.next_is_free()) add_swap(spec_.flavor.swap_mb, "");
  }

  void add_swap(std::uint64_t swap_mb, const std::string& device_name) {
    add("disk.swap", SwapBase{swap_mb}, mebibytes(swap_mb), names_.take(device_name));
  }

  void plan_config_drive() {
    plan_.config_drive = kConfigDrive + spec_.suffix;
    plan_.config_drive_format = defaults_.config_drive_format;
    // Which of them it gets is said by its medium, which one that is there keeps. The last device that is named.
    const std::string cdrom = cdrom_prefix(plan_.buses, defaults_);
    if (DeviceNames names(names_); names.has_room_on(cdrom)) plan_.config_drive_device = names.take_of(cdrom);
    const bool needs_disk = plan_.config_drive_device.empty() || names_.has_room_on_own_bus();
    if (needs_disk) plan_.config_drive_disk = names_.take_of_own_bus();
  }

  const InstanceSpec& spec_;
  const PlanDefaults& defaults_;
  ImagesType images_type_;
  DeviceNames names_;
  DiskPlan plan_;
};

}  // namespace

DiskPlan plan_disks(const InstanceSpec& spec, const PlanDefaults& defaults, const BusWishes& wishes) {
  return Planner(spec, defaults, wishes).plan();
}

std::optional<std::string> root_volume(const InstanceSpec& spec, const PlanDefaults& defaults) {
  const DeviceNames names(spec.block_device_info, defaults.virt_type);
  return spec.suffix.empty() && names.root_is_volume() ? std::optional(names.root()) : std::nullopt;
}

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
