#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

void add_state(pugi::xml_node parent, const char* name, bool is_on) {
  set(parent.append_child(name), "state", is_on ? "on" : "off");
}

// nova/virt/libvirt/driver.py, _set_features, but for evmcs: no processor of AMD has it, and libvirt then starts no
// domain that asks for it (LP 2009280).
void add_hyperv(pugi::xml_node features, const Domain& domain) {
  pugi::xml_node hyperv = features.append_child("hyperv");
  for (const char* name : {"relaxed", "vapic"}) add_state(hyperv, name, true);
  add_state(hyperv, "spinlocks", true);
  set(hyperv.child("spinlocks"), "retries", "8191");  // what Windows was certified with on KVM
  for (const char* name :
       {"vpindex", "runtime", "synic", "reset", "frequencies", "reenlightenment", "tlbflush", "ipi"}) {
    add_state(hyperv, name, true);
  }
  if (!domain.hardware.hides_hypervisor) return;
  add_state(hyperv, "vendor_id", true);
  set(hyperv.child("vendor_id"), "value", "1234567890ab");
}

}  // namespace

void add_features(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  if (!is_qemu(hypervisor)) return;
  const bool has_acpi = is_pc(domain, hypervisor) || arch_of(domain, hypervisor) == "aarch64";
  pugi::xml_node features = root.append_child("features");
  if (has_acpi) features.append_child("acpi");
  if (is_pc(domain, hypervisor)) features.append_child("apic");
  if (domain.is_windows && has_kvm(domain, hypervisor)) add_hyperv(features, domain);
  if (has_acpi) features.append_child("vmcoreinfo");
  if (domain.hardware.hides_hypervisor) add_state(features.append_child("kvm"), "hidden", true);
  if (domain.hardware.has_pmu) add_state(features, "pmu", *domain.hardware.has_pmu);
  if (!features.first_child()) root.remove_child(features);
}

}  // namespace basecache::domain
