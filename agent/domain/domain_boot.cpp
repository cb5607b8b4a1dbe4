#include <array>
#include <utility>

#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

using model::VirtType;

// Of the guest's kernel (nova/virt/libvirt/driver.py, CONSOLE).
constexpr const char* kConsoles = "console=tty0 console=ttyS0 console=hvc0";
// Where User-mode Linux is installed, in the Novas that had it.
constexpr const char* kUmlKernel = "/usr/bin/linux";
constexpr const char* kProduct = "OpenStack Nova";

// nova/virt/libvirt/utils.py, get_default_machine_type; "": libvirt's own.
std::string_view machine_of(const std::string& arch) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kMachines{{{"x86_64", "pc"},
                                                                                    {"i686", "pc"},
                                                                                    {"aarch64", "virt"},
                                                                                    {"armv7l", "virt"},
                                                                                    {"ppc64le", "pseries"},
                                                                                    {"s390", "s390-ccw-virtio"},
                                                                                    {"s390x", "s390-ccw-virtio"}}};
  for (const auto& [known, machine] : kMachines) {
    if (known == arch) return machine;
  }
  return "";
}

void add_kernel(pugi::xml_node os, const Domain& domain, const Hypervisor& hypervisor) {
  add_text(os, "kernel", domain.kernel.native());
  if (!domain.ramdisk.empty()) add_text(os, "initrd", domain.ramdisk.native());
  if (!domain.hardware.command_line.empty()) {
    add_text(os, "cmdline", domain.hardware.command_line);
    return;
  }
  std::string words = "root=/dev/" + domain.root_device + " " + kConsoles;
  // QEMU without KVM may be too slow for the kernel's check of its timers.
  if (hypervisor.virt_type == VirtType::qemu) words += " no_timer_check";
  add_text(os, "cmdline", words);
}

// The node's libvirt chooses the firmware that fits the machine. Keys of a vendor are for a secure boot alone.
void add_firmware(pugi::xml_node os, const Domain& domain) {
  if (!domain.hardware.has_uefi) return;
  set(os, "firmware", "efi");
  pugi::xml_node feature = os.append_child("firmware").append_child("feature");
  set(feature, "enabled", domain.hardware.has_secure_boot ? "yes" : "no");
  set(feature, "name", "secure-boot");
}

void add_machine(pugi::xml_node os, const Domain& domain, const Hypervisor& hypervisor) {
  const std::string& arch = arch_of(domain, hypervisor);
  pugi::xml_node type = add_text(os, "type", "hvm");
  set(type, "arch", arch);
  const std::string_view machine = domain.hardware.machine.empty() ? machine_of(arch) : domain.hardware.machine;
  if (!machine.empty()) set(type, "machine", machine);
  add_firmware(os, domain);
  if (!domain.kernel.empty()) add_kernel(os, domain, hypervisor);
  if (is_qemu(hypervisor) && is_pc(domain, hypervisor)) set(os.append_child("smbios"), "mode", "sysinfo");
  if (domain.hardware.has_boot_menu) set(os.append_child("bootmenu"), "enable", "yes");
}

// What guests know their cloud by (nova/virt/libvirt/driver.py, _get_guest_config_sysinfo).
void add_system(pugi::xml_node root, const Domain& domain) {
  pugi::xml_node sysinfo = root.append_child("sysinfo");
  set(sysinfo, "type", "smbios");
  pugi::xml_node system = sysinfo.append_child("system");
  const std::array<std::pair<const char*, std::string_view>, 5> entries{{{"manufacturer", "OpenStack Foundation"},
                                                                         {"product", kProduct},
                                                                         {"serial", domain.uuid},
                                                                         {"uuid", domain.uuid},
                                                                         {"family", "Virtual Machine"}}};
  for (const auto& [name, value] : entries) set(add_text(system, "entry", value), "name", name);
}

void add_container(pugi::xml_node os) {
  add_text(os, "type", "exe");
  add_text(os, "init", "/sbin/init");
  set(add_text(os, "initenv", kProduct), "name", "product_name");
}

void add_user_mode(pugi::xml_node os, const Domain& domain) {
  add_text(os, "type", "uml");
  add_text(os, "kernel", domain.kernel.empty() ? kUmlKernel : domain.kernel.native());
  add_text(os, "root", "/dev/" + domain.root_device);
}

}  // namespace

void add_boot(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  if (is_qemu(hypervisor) && is_pc(domain, hypervisor)) add_system(root, domain);
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

}  // namespace basecache::domain
