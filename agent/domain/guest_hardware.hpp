#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/domain/cpu_topology.hpp"

namespace basecache::domain {

// The virtio source of randomness; a rate of 0 is no limit.
struct RandomSource {
  std::uint64_t rate_bytes = 0;
  std::uint64_t rate_period = 0;  // milliseconds
};

// cputune of a domain. Nothing: the host's own.
struct CpuQuota {
  std::optional<std::int64_t> shares = {};
  std::optional<std::int64_t> period = {};  // microseconds
  std::optional<std::int64_t> quota = {};   // microseconds; negative: no limit
};

// What image and flavor together say of a guest's machine besides its disks.
struct GuestHardware {
  std::string arch = {};     // libvirt's name; "": the node's
  std::string machine = {};  // "q35"; "": the architecture's default
  bool has_uefi = false;
  bool has_secure_boot = false;
  bool has_boot_menu = false;
  std::string command_line = {};  // of a kernel, in place of ours

  std::optional<CpuTopology> topology = {};
  bool hides_hypervisor = false;
  std::optional<bool> has_pmu = {};  // nothing: QEMU's own
  bool has_hpet = false;

  std::string scsi_model = {};  // "virtio-scsi"; "": libvirt's own where a disk needs one
  bool has_guest_agent = false;
  std::optional<RandomSource> random = {};
  std::string watchdog_action = {};  // "reset"; "": none
  std::string video_model = {};      // "virtio"; "": none
  std::uint32_t serial_ports = 1;

  CpuQuota cpu_quota = {};
  std::map<std::string, std::int64_t> disk_quota = {};  // of each disk, by libvirt's name: "read_bytes_sec"

  std::vector<std::string> left_out = {};  // what is asked for and can't be said here, and why: a line each
};

}  // namespace basecache::domain
