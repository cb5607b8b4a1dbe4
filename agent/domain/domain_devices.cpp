#include <algorithm>

#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

using model::VirtType;

// nova/virt/libvirt/blockinfo.py, get_disk_bus_for_disk_dev.
std::string_view bus_of(const std::string& device) {
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

void add_disk(pugi::xml_node devices, const DomainDisk& disk, const Hypervisor& hypervisor, bool is_booted) {
  pugi::xml_node element = devices.append_child("disk");
  set(element, "type", disk.is_block ? "block" : "file");
  set(element, "device", disk.is_cdrom ? "cdrom" : "disk");
  if (is_qemu(hypervisor)) add_driver(element, disk, hypervisor);
  add_source(element, disk);
  pugi::xml_node target = element.append_child("target");
  set(target, "dev", disk.device);
  set(target, "bus", disk.bus.empty() ? bus_of(disk.device) : std::string_view(disk.bus));
  if (disk.is_cdrom) element.append_child("readonly");
  if (is_booted) set(element.append_child("boot"), "order", "1");
}

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

void add_disks(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  if (hypervisor.virt_type == VirtType::lxc) {
    const auto root = std::ranges::find(domain.disks, domain.root_device, &DomainDisk::device);
    if (root != domain.disks.end()) add_root_file_system(devices, *root);
  } else {
    for (const DomainDisk& disk : domain.disks) {
      const bool is_root = disk.device == domain.root_device;
      add_disk(devices, disk, hypervisor, is_root && domain.kernel.empty() && hypervisor.virt_type != VirtType::uml);
    }
  }
  for (const std::string& note : domain.left_out) {
    devices.append_child(pugi::node_comment).set_value((" " + note + " ").c_str());
  }
}

void add_console(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node port = devices.append_child(is_qemu(hypervisor) ? "serial" : "console");
  set(port, "type", "pty");
  pugi::xml_node log = port.append_child("log");
  set(log, "file", domain.console_log.native());
  set(log, "append", "on");
}

}  // namespace

void add_devices(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node devices = root.append_child("devices");
  add_disks(devices, domain, hypervisor);
  add_console(devices, domain, hypervisor);
}

}  // namespace basecache::domain
