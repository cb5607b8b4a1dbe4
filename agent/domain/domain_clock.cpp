#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {

void add_clock(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  const bool has_acpi = is_pc(hypervisor) || hypervisor.arch == "aarch64";
  if (is_qemu(hypervisor) && has_acpi) {
    pugi::xml_node features = root.append_child("features");
    features.append_child("acpi");
    if (is_pc(hypervisor)) features.append_child("apic");
  }
  set(root.append_child("clock"), "offset", domain.has_local_clock ? "localtime" : "utc");
}

}  // namespace basecache::domain
