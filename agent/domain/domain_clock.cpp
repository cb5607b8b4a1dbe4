#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

void add_timer(pugi::xml_node clock, const char* name, const char* attribute, const char* value) {
  pugi::xml_node timer = clock.append_child("timer");
  set(timer, "name", name);
  set(timer, attribute, value);
}

// nova/virt/libvirt/driver.py, _set_kvm_timers.
void add_timers(pugi::xml_node clock, const Domain& domain, const Hypervisor& hypervisor) {
  add_timer(clock, "pit", "tickpolicy", "delay");
  add_timer(clock, "rtc", "tickpolicy", "catchup");
  if (is_pc(domain, hypervisor)) add_timer(clock, "hpet", "present", domain.hardware.has_hpet ? "yes" : "no");
  if (domain.is_windows) add_timer(clock, "hypervclock", "present", "yes");
}

}  // namespace

// Windows takes the hardware clock for local time.
void add_clock(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node clock = root.append_child("clock");
  set(clock, "offset", domain.is_windows ? "localtime" : "utc");
  if (has_kvm(domain, hypervisor)) add_timers(clock, domain, hypervisor);
}

}  // namespace basecache::domain
