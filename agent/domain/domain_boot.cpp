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

// nova/virt/libvirt/utils.py, get_default_machine_type; "": libvirt's own.
std::string_view machine_of(const std::string& arch) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kMachines{
      {{"x86_64", "pc"}, {"i686", "pc"}, {"aarch64", "virt"}, {"armv7l", "virt"}, {"s390x", "s390-ccw-virtio"}}};
  for (const auto& [known, machine] : kMachines) {
    if (known == arch) return machine;
  }
  return "";
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

}  // namespace

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

}  // namespace basecache::domain
