#include <algorithm>

#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

using model::VirtType;

// nova/virt/libvirt/blockinfo.py, get_disk_bus_for_disk_dev.
std::string_view bus_named_by(const std::string& device) {
  if (device.starts_with("sd")) return "scsi";
  if (device.starts_with("hd")) return "ide";
  if (device.starts_with("fd")) return "fdc";
  return device.starts_with("ubd") ? "uml" : "virtio";
}

// Asynchronous I/O of the kernel needs O_DIRECT (LP 1841363).
void add_driver(pugi::xml_node element, const DomainDisk& disk, const Hypervisor& hypervisor) {
  const bool is_direct = disk.is_block || hypervisor.direct_io;
  pugi::xml_node driver = element.append_child("driver");
  set(driver, "name", "qemu");
  set(driver, "type", disk.format);
  set(driver, "cache", is_direct ? "none" : "writeback");
  if (!disk.io.empty()) set(driver, "io", disk.io == "native" && !is_direct ? "threads" : disk.io);
}

void add_source(pugi::xml_node element, const DomainDisk& disk) {
  set(element.append_child("source"), disk.is_block ? "dev" : "file", disk.path.native());
}

// nova/virt/libvirt/imagebackend.py, disk_qos.
void add_quota(pugi::xml_node element, const std::map<std::string, std::int64_t>& limits) {
  if (limits.empty()) return;
  pugi::xml_node tune = element.append_child("iotune");
  for (const auto& [name, limit] : limits) add_text(tune, name.c_str(), std::to_string(limit));
}

void add_unit(pugi::xml_node element, unsigned unit) {
  pugi::xml_node address = element.append_child("address");
  set(address, "type", "drive");
  set(address, "controller", "0");
  set(address, "unit", unit);
}

std::string_view bus_of(const DomainDisk& disk) {
  return disk.bus.empty() ? bus_named_by(disk.device) : std::string_view(disk.bus);
}

// Adds the disks one after the other.
class Disks {
 public:
  Disks(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor)
      : devices_(devices), domain_(domain), hypervisor_(hypervisor) {}

  void add() {
    const bool has_root =
        std::ranges::find(domain_.disks, domain_.root_device, &DomainDisk::device) != domain_.disks.end();
    next_unit_ = has_root ? 0 : 1;  // the first is for a volume to boot from
    for (const DomainDisk& disk : domain_.disks) add_disk(disk);
  }

 private:
  void add_disk(const DomainDisk& disk) {
    pugi::xml_node element = devices_.append_child("disk");
    set(element, "type", disk.is_block ? "block" : "file");
    set(element, "device", disk.is_cdrom ? "cdrom" : "disk");
    if (is_qemu(hypervisor_)) add_driver(element, disk, hypervisor_);
    add_source(element, disk);
    pugi::xml_node target = element.append_child("target");
    set(target, "dev", disk.device);
    set(target, "bus", bus_of(disk));
    add_quota(element, domain_.hardware.disk_quota);
    if (disk.is_cdrom) element.append_child("readonly");
    if (is_booted(disk)) set(element.append_child("boot"), "order", "1");
    // That controller takes 256 disks, but only at units that are told (LP 1792077).
    if (domain_.hardware.scsi_model == "virtio-scsi" && bus_of(disk) == "scsi") add_unit(element, next_unit_++);
  }

  bool is_booted(const DomainDisk& disk) const {
    return disk.device == domain_.root_device && domain_.kernel.empty() && hypervisor_.virt_type != VirtType::uml;
  }

  pugi::xml_node devices_;
  const Domain& domain_;
  const Hypervisor& hypervisor_;
  unsigned next_unit_ = 0;
};

// A qcow2 file becomes a block device by qemu-nbd, a raw one by a loop device.
void add_root_file_system(pugi::xml_node devices, const DomainDisk& disk) {
  pugi::xml_node element = devices.append_child("filesystem");
  set(element, "type", disk.is_block ? "block" : "file");
  if (!disk.is_block) {
    pugi::xml_node driver = element.append_child("driver");
    set(driver, "type", disk.format == "raw" ? "loop" : "nbd");
    set(driver, "format", disk.format);
  }
  add_source(element, disk);
  set(element.append_child("target"), "dir", "/");
}

}  // namespace

void add_disks(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  if (hypervisor.virt_type != VirtType::lxc) return Disks(devices, domain, hypervisor).add();
  const auto root = std::ranges::find(domain.disks, domain.root_device, &DomainDisk::device);
  if (root != domain.disks.end()) add_root_file_system(devices, *root);
}

}  // namespace basecache::domain
