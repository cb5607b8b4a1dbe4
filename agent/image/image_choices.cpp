#include "agent/image/image_choices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "agent/base/text.hpp"
#include "agent/image/property_reader.hpp"

namespace basecache::image {
namespace {

using model::DiskBus;

// Machines without IDE (blockinfo.py, get_disk_bus_for_device_type).
constexpr std::array<std::string_view, 7> kScsiMachines{"ppc", "ppc64", "ppcle", "ppc64le", "s390", "s390x", "aarch64"};

void require_bus(const char* property, const std::optional<DiskBus>& bus, model::VirtType virt_type, ErrorCode code) {
  const std::vector<DiskBus>& known = model::buses_of(virt_type);
  if (!bus || std::ranges::find(known, *bus) != known.end()) return;
  std::vector<std::string_view> allowed;
  for (const DiskBus each : known) allowed.push_back(name_of(each));
  PropertyReader({}, code).refuse(property, name_of(*bus),
                                  fmt::format("{} with virt_type {}", fmt::join(allowed, ", "), name_of(virt_type)));
}

std::optional<DiskBus> cdrom_bus_of_machine(const ImageProperties& image) {
  if (image.architecture && std::ranges::find(kScsiMachines, *image.architecture) != kScsiMachines.end()) {
    return DiskBus::scsi;
  }
  const bool is_q35 = image.machine_type && image.machine_type->find("q35") != std::string::npos;
  return is_q35 ? std::optional(DiskBus::sata) : std::nullopt;
}

// Nova's API takes vda (_check_and_transform_bdm); here the image's bus is heeded, as when names are given.
std::string open_root_name(const ImageProperties& image) {
  return std::string(prefix_of(image.disk_bus.value_or(DiskBus::virtio))) + "a";
}

bool has_volume_at(const model::BlockDevices& devices, std::string_view device) {
  const auto stripped = [](std::string_view name) { return name.starts_with("/dev/") ? name.substr(5) : name; };
  return std::ranges::any_of(devices.volumes, [&](const model::VolumeDevice& volume) {
    return stripped(volume.mount_device) == stripped(device);
  });
}

std::string root_device_of(const model::BlockDevices& devices, const ImageProperties& image,
                           const std::optional<std::string>& root_volume) {
  if (!devices.root_device_name.empty()) return devices.root_device_name;
  if (root_volume) return "/dev/" + *root_volume;
  const std::string wished = image.root_device_name.value_or("");
  return has_volume_at(devices, wished) ? "" : wished;
}

void put_boot_files(model::InstanceSpec& spec, const ImageProperties& image) {
  if (!spec.kernel_id && !spec.without_kernel) {
    spec.kernel_id = image.kernel_id;
    spec.without_kernel = image.without_kernel;
  }
  if (!spec.ramdisk_id) spec.ramdisk_id = image.ramdisk_id;
}

void put_block_devices(model::InstanceSpec& spec, const ImageProperties& image,
                       const std::optional<std::string>& root_volume, ErrorCode code) {
  model::BlockDevices& devices = spec.block_device_info;
  devices.root_device_name = root_device_of(devices, image, root_volume);
  const std::string root = devices.root_device_name.empty() ? open_root_name(image) : devices.root_device_name;
  devices = with_devices_of(image.block_devices, std::move(devices), spec.flavor, root, code);
}

bool is_machine(model::VirtType virt_type) {
  return virt_type == model::VirtType::kvm || virt_type == model::VirtType::qemu;
}

}  // namespace

bool wants_config_drive(bool is_requested, ConfigDrivePolicy policy) {
  return is_requested || policy == ConfigDrivePolicy::mandatory;
}

model::InstanceSpec with_image(model::InstanceSpec spec, const ImageProperties& image,
                               const std::optional<std::string>& root_volume, ErrorCode code) {
  if (spec.suffix.empty()) {
    put_boot_files(spec, image);
    put_block_devices(spec, image, root_volume, code);
  }
  if (spec.without_kernel) spec.ramdisk_id.reset();
  if (spec.os_type.empty()) spec.os_type = image.os_type.value_or("");
  spec.config_drive = wants_config_drive(spec.config_drive, image.config_drive);
  return spec;
}

model::BusWishes buses_of(const ImageProperties& image, model::VirtType virt_type, ErrorCode code) {
  require_bus("hw_disk_bus", image.disk_bus, virt_type, code);
  require_bus("hw_cdrom_bus", image.cdrom_bus, virt_type, code);
  model::BusWishes wishes{.disk = image.disk_bus, .cdrom = image.cdrom_bus};
  if (!is_machine(virt_type)) return wishes;
  if (!wishes.disk && image.root_device_name) wishes.disk = DiskBus::virtio;
  if (!wishes.cdrom) wishes.cdrom = cdrom_bus_of_machine(image);
  return wishes;
}

bool is_disc(const model::ImageMeta& meta) { return meta.disk_format == "iso"; }

void require_room(const model::ImageMeta& meta, const model::Flavor& flavor, bool has_root_disk) {
  if (meta.min_ram.value_or(0) > flavor.memory_mb) {
    throw Error(ErrorCode::invalid_request,
                fmt::format("image {} needs {} MiB of memory (min_ram), and the flavor has {} MiB", quote(meta.name),
                            *meta.min_ram, flavor.memory_mb))
        .add_field("field", "flavor.memory_mb")
        .set_hint("ask for a flavor with more memory (--memory-mb)");
  }
  if (!has_root_disk || flavor.root_gb == 0 || meta.min_disk.value_or(0) <= flavor.root_gb) return;
  throw Error(ErrorCode::disk_too_small,
              fmt::format("image {} needs a root disk of {} GiB (min_disk), and the flavor has {} GiB",
                          quote(meta.name), *meta.min_disk, flavor.root_gb))
      .add_field("field", "flavor.root_gb")
      .set_hint("ask for a flavor with a larger root disk (--root-gb)");
}

}  // namespace basecache::image
