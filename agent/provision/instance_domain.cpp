#include "agent/provision/instance_domain.hpp"

#include <algorithm>
#include <string>

#include "agent/base/error.hpp"
#include "agent/provision/instance_files.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {
namespace {

std::string bus_name(const std::optional<model::DiskBus>& wish) { return wish ? std::string(name_of(*wish)) : ""; }

domain::DomainDisk disk_at(const std::string& device, const InstanceDisk& disk,
                           const std::optional<model::DiskBus>& bus) {
  return {.device = device,
          .path = disk.path,
          .format = disk.format,
          .io = std::string(name_of(disk.io)),
          .is_block = disk.is_volume,
          .bus = bus_name(bus)};
}

class Builder {
 public:
  explicit Builder(const MadeInstance& made)
      : spec_(made.spec), plan_(made.plan), made_(made.disks), hardware_(made.hardware) {}

  domain::Domain build(const Path& directory, const std::optional<RescuedDisk>& rescued) {
    domain_.uuid = spec_.uuid.text();
    domain_.memory_mb = spec_.flavor.memory_mb;
    domain_.vcpus = spec_.flavor.vcpus;
    domain_.is_windows = spec_.os_type == "windows";
    domain_.request = spec_.repeatable;
    domain_.hardware = hardware_;
    domain_.root_device = plan_.root_device;
    domain_.console_log = directory / InstanceFiles::kConsoleLog;
    add_disks();
    if (!spec_.suffix.empty()) add_rescued(rescued);
    if (plan_.config_drive) add_config_drive();
    if (spec_.suffix.empty()) note_volumes();
    return std::move(domain_);
  }

 private:
  void add_disks() {
    for (const InstanceDisk& disk : made_.disks) {
      const auto planned = std::ranges::find(plan_.disks, disk.name, &model::DiskSpec::name);
      if (planned == plan_.disks.end()) continue;
      if (disk.name == "kernel" + spec_.suffix) domain_.kernel = disk.path;
      if (disk.name == "ramdisk" + spec_.suffix) domain_.ramdisk = disk.path;
      if (planned->device.empty()) continue;
      domain_.disks.push_back(disk_at(planned->device, disk, planned->is_disc ? plan_.buses.cdrom : plan_.buses.disk));
      domain_.disks.back().is_cdrom = planned->is_disc;
    }
  }

  void add_rescued(const std::optional<RescuedDisk>& rescued) {
    if (!rescued) {
      domain_.left_out.push_back(plan_.rescued_device + ": the instance's own root disk, which isn't here");
      return;
    }
    // Of the same backend by configuration, and so read like the rescue's own.
    const std::string io = domain_.disks.empty() ? "" : domain_.disks.front().io;
    domain_.disks.push_back({.device = plan_.rescued_device,
                             .path = rescued->path,
                             .format = rescued->format,
                             .io = io,
                             .is_block = rescued->is_volume,
                             .bus = bus_name(plan_.buses.disk)});
  }

  // nova/virt/libvirt/blockinfo.py, get_config_drive_type, but by what the drive is: the option may have changed since.
  void add_config_drive() {
    const InstanceDisk& drive = *std::ranges::find(made_.disks, *plan_.config_drive, &InstanceDisk::name);
    const bool is_cdrom = drive.format != model::name_of(model::DriveFormat::vfat);
    const std::string& device = is_cdrom ? plan_.config_drive_device : plan_.config_drive_disk;
    if (device.empty()) {
      throw Error(ErrorCode::invalid_request, "the instance has no place left for its config drive")
          .add_field("field", "block_device_info")
          .set_hint("ask for fewer disks, or for another hw_disk_bus");
    }
    domain_.disks.push_back({.device = device,
                             .path = drive.path,
                             .format = "raw",
                             .is_cdrom = is_cdrom,
                             .bus = bus_name(is_cdrom ? plan_.buses.cdrom : plan_.buses.disk)});
  }

  // What block_device_mapping says of a volume is where the guest sees it.
  void note_volumes() {
    for (const model::VolumeDevice& volume : spec_.block_device_info.volumes) {
      domain_.left_out.push_back(volume.mount_device + ": a volume; how it is connected was not in the request");
    }
  }

  const model::InstanceSpec& spec_;
  const model::DiskPlan& plan_;
  const InstanceDisks& made_;
  const domain::GuestHardware& hardware_;
  domain::Domain domain_;
};

}  // namespace

domain::Domain domain_of(const MadeInstance& made, const Path& instance_directory,
                         const std::optional<RescuedDisk>& rescued) {
  return Builder(made).build(instance_directory, rescued);
}

}  // namespace basecache::provision
