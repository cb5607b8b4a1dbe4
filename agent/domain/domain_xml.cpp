#include "agent/domain/domain_xml.hpp"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

namespace basecache::domain {
namespace {

using model::VirtType;

constexpr std::string_view kMark =
    "<!-- Made by basecache, and made anew by the next creation: take this line out to keep what is changed here. "
    "-->\n";

// Of the guest's kernel (nova/virt/libvirt/driver.py, CONSOLE).
constexpr const char* kConsoles = "console=tty0 console=ttyS0 console=hvc0";
// Where User-mode Linux is installed, in the Novas that had it.
constexpr const char* kUmlKernel = "/usr/bin/linux";

bool is_qemu(const Hypervisor& hypervisor) {
  return hypervisor.virt_type == VirtType::kvm || hypervisor.virt_type == VirtType::qemu;
}

bool is_pc(const Hypervisor& hypervisor) { return hypervisor.arch == "x86_64" || hypervisor.arch == "i686"; }

// nova/virt/libvirt/utils.py, get_default_machine_type; "": libvirt's own.
std::string_view machine_of(const std::string& arch) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kMachines{
      {{"x86_64", "pc"}, {"i686", "pc"}, {"aarch64", "virt"}, {"armv7l", "virt"}, {"s390x", "s390-ccw-virtio"}}};
  for (const auto& [known, machine] : kMachines) {
    if (known == arch) return machine;
  }
  return "";
}

// nova/virt/libvirt/blockinfo.py, get_disk_bus_for_disk_dev.
std::string_view bus_of(const std::string& device) {
  if (device.starts_with("sd")) return "scsi";
  if (device.starts_with("hd")) return "ide";
  if (device.starts_with("fd")) return "fdc";
  return device.starts_with("ubd") ? "uml" : "virtio";
}

void set(pugi::xml_node node, const char* attribute, std::string_view value) {
  node.append_attribute(attribute).set_value(std::string(value).c_str());
}

void add_text(pugi::xml_node parent, const char* name, std::string_view text) {
  parent.append_child(name).text().set(std::string(text).c_str());
}

void add_kernel(pugi::xml_node os, const Domain& domain, const Hypervisor& hypervisor) {
  std::string words = "root=/dev/" + domain.root_device + " " + kConsoles;
  // QEMU without KVM may be too slow for the kernel's check of its timers.
  if (hypervisor.virt_type == VirtType::qemu) words += " no_timer_check";
  add_text(os, "kernel", domain.kernel.native());
  if (!domain.ramdisk.empty()) add_text(os, "initrd", domain.ramdisk.native());
  add_text(os, "cmdline", words);
}

void add_machine(pugi::xml_node os, const Domain& domain, const Hypervisor& hypervisor) {
  add_text(os, "type", "hvm");
  set(os.child("type"), "arch", hypervisor.arch);
  if (const auto machine = machine_of(hypervisor.arch); !machine.empty()) set(os.child("type"), "machine", machine);
  if (!domain.kernel.empty()) return add_kernel(os, domain, hypervisor);
  // Boards without a BIOS (nova/virt/libvirt/driver.py, _configure_guest_by_virt_type).
  if (hypervisor.arch == "aarch64") set(os, "firmware", "efi");
}

void add_container(pugi::xml_node os) {
  add_text(os, "type", "exe");
  add_text(os, "init", "/sbin/init");
  add_text(os, "initenv", "OpenStack Nova");  // what guests know their cloud by
  set(os.child("initenv"), "name", "product_name");
}

void add_user_mode(pugi::xml_node os, const Domain& domain) {
  add_text(os, "type", "uml");
  add_text(os, "kernel", domain.kernel.empty() ? kUmlKernel : domain.kernel.native());
  add_text(os, "root", "/dev/" + domain.root_device);
}

void add_boot(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node os = root.append_child("os");
  switch (hypervisor.virt_type) {
    case VirtType::kvm:
    case VirtType::qemu:
    case VirtType::parallels:
      return add_machine(os, domain, hypervisor);
    case VirtType::lxc:
      return add_container(os);
    case VirtType::uml:
      return add_user_mode(os, domain);
  }
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

void add_clock(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  const bool has_acpi = is_pc(hypervisor) || hypervisor.arch == "aarch64";
  if (is_qemu(hypervisor) && has_acpi) {
    pugi::xml_node features = root.append_child("features");
    features.append_child("acpi");
    if (is_pc(hypervisor)) features.append_child("apic");
  }
  set(root.append_child("clock"), "offset", domain.has_local_clock ? "localtime" : "utc");
}

}  // namespace

std::string domain_xml(const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("domain");
  set(root, "type", model::name_of(hypervisor.virt_type));
  add_text(root, "name", domain.uuid);
  add_text(root, "uuid", domain.uuid);
  add_text(root, "memory", std::to_string(domain.memory_mb));
  set(root.child("memory"), "unit", "MiB");
  add_text(root, "vcpu", std::to_string(domain.vcpus));
  add_boot(root, domain, hypervisor);
  add_clock(root, domain, hypervisor);
  pugi::xml_node devices = root.append_child("devices");
  add_disks(devices, domain, hypervisor);
  add_console(devices, domain, hypervisor);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent | pugi::format_no_declaration);
  return std::string(kMark) + text.str();
}

bool is_made_here(std::string_view text) { return text.starts_with(kMark); }

std::string_view without_mark(std::string_view text) {
  while (is_made_here(text)) text.remove_prefix(kMark.size());
  return text;
}

}  // namespace basecache::domain
