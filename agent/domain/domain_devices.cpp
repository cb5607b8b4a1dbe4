#include "agent/domain/domain_sections.hpp"

namespace basecache::domain {
namespace {

constexpr const char* kAgentChannel = "org.qemu.guest_agent.0";
// nova/conf/libvirt.py: rng_dev_path, mem_stats_period_seconds.
constexpr const char* kRandomDevice = "/dev/urandom";
constexpr const char* kBalloonPeriod = "10";

// The first has the boot messages.
void add_consoles(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  const std::uint32_t ports = is_qemu(hypervisor) ? domain.hardware.serial_ports : 1;
  for (std::uint32_t port = 0; port < ports; ++port) {
    pugi::xml_node console = devices.append_child(is_qemu(hypervisor) ? "serial" : "console");
    set(console, "type", "pty");
    if (port > 0) {
      set(console.append_child("target"), "port", port);
      continue;
    }
    pugi::xml_node log = console.append_child("log");
    set(log, "file", domain.console_log.native());
    set(log, "append", "on");
  }
}

// nova/virt/libvirt/driver.py, _add_qga_device.
void add_guest_agent(pugi::xml_node devices, const Domain& domain) {
  pugi::xml_node channel = devices.append_child("channel");
  set(channel, "type", "unix");
  pugi::xml_node source = channel.append_child("source");
  set(source, "mode", "bind");
  set(source, "path", std::string("/var/lib/libvirt/qemu/") + kAgentChannel + "." + domain.uuid + ".sock");
  pugi::xml_node target = channel.append_child("target");
  set(target, "type", "virtio");
  set(target, "name", kAgentChannel);
}

void add_random(pugi::xml_node devices, const RandomSource& random) {
  pugi::xml_node source = devices.append_child("rng");
  set(source, "model", "virtio");
  if (random.rate_bytes != 0 && random.rate_period != 0) {
    pugi::xml_node rate = source.append_child("rate");
    set(rate, "period", random.rate_period);
    set(rate, "bytes", random.rate_bytes);
  }
  set(add_text(source, "backend", kRandomDevice), "model", "random");
}

// Named, so that no guest gets one that it doesn't need (driver.py, _guest_add_usb_root_controller).
void add_usb(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node usb = devices.append_child("controller");
  set(usb, "type", "usb");
  set(usb, "index", "0");
  const bool is_used = devices.find_child(
      [](pugi::xml_node device) { return std::string_view(device.child("target").attribute("bus").value()) == "usb"; });
  if (!is_used && !arch_of(domain, hypervisor).starts_with("ppc")) set(usb, "model", "none");
}

void add_controllers(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  if (!domain.hardware.scsi_model.empty()) {
    pugi::xml_node scsi = devices.append_child("controller");
    set(scsi, "type", "scsi");
    set(scsi, "index", "0");
    set(scsi, "model", domain.hardware.scsi_model);
  }
  add_usb(devices, domain, hypervisor);
}

void add_machine_devices(pugi::xml_node devices, const Domain& domain, const Hypervisor& hypervisor) {
  const GuestHardware& hardware = domain.hardware;
  add_controllers(devices, domain, hypervisor);
  if (!hardware.video_model.empty())
    set(devices.append_child("video").append_child("model"), "type", hardware.video_model);
  if (hardware.has_guest_agent) add_guest_agent(devices, domain);
  if (hardware.random) add_random(devices, *hardware.random);
  if (!hardware.watchdog_action.empty()) {
    pugi::xml_node watchdog = devices.append_child("watchdog");
    set(watchdog, "model", "i6300esb");
    set(watchdog, "action", hardware.watchdog_action);
  }
  pugi::xml_node balloon = devices.append_child("memballoon");
  set(balloon, "model", "virtio");
  set(balloon.append_child("stats"), "period", kBalloonPeriod);
}

void add_notes(pugi::xml_node devices, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) devices.append_child(pugi::node_comment).set_value((" " + note + " ").c_str());
}

}  // namespace

void add_devices(pugi::xml_node root, const Domain& domain, const Hypervisor& hypervisor) {
  pugi::xml_node devices = root.append_child("devices");
  add_disks(devices, domain, hypervisor);
  add_notes(devices, domain.left_out);
  add_notes(devices, domain.hardware.left_out);
  add_consoles(devices, domain, hypervisor);
  if (is_qemu(hypervisor)) add_machine_devices(devices, domain, hypervisor);
}

}  // namespace basecache::domain
