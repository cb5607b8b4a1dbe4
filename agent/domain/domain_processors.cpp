#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

void add_quota(pugi::xml_node root, const CpuQuota& quota) {
  if (!quota.shares && !quota.period && !quota.quota) return;
  pugi::xml_node tune = root.append_child("cputune");
  if (quota.shares) add_text(tune, "shares", std::to_string(*quota.shares));
  if (quota.period) add_text(tune, "period", std::to_string(*quota.period));
  if (quota.quota) add_text(tune, "quota", std::to_string(*quota.quota));
}

// nova/virt/libvirt/driver.py, _get_guest_cpu_config, where cpu_mode isn't configured.
void add_model(pugi::xml_node cpu, const Domain& domain, const Hypervisor& hypervisor) {
  const std::string& arch = arch_of(domain, hypervisor);
  if (!is_emulated(domain, hypervisor)) {
    // What model an ARM processor is can't be told.
    set(cpu, "mode", arch == "aarch64" ? "host-passthrough" : "host-model");
  } else if (arch == "aarch64") {
    add_text(cpu, "model", "cortex-a57");
  } else if (arch == "ppc64le") {
    add_text(cpu, "model", "POWER8");
  }
}

}  // namespace

void add_processors(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  add_quota(root, domain.hardware.cpu_quota);
  if (!is_qemu(hypervisor)) return;
  pugi::xml_node cpu = root.append_child("cpu");
  add_model(cpu, domain, hypervisor);
  if (!domain.hardware.topology) return;
  pugi::xml_node topology = cpu.append_child("topology");
  set(topology, "sockets", domain.hardware.topology->sockets);
  set(topology, "cores", domain.hardware.topology->cores);
  set(topology, "threads", domain.hardware.topology->threads);
}

}  // namespace basecache::domain
