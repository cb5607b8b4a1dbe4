#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/path.hpp"
#include "agent/domain/guest_hardware.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache::domain {

// What the domains of this node have in common.
struct Hypervisor {
  model::VirtType virt_type = model::VirtType::kvm;
  std::string arch = "x86_64";  // the node's, as uname(2) and libvirt call it
  bool direct_io = true;        // the file system of the instances takes O_DIRECT
};

struct DomainDisk {
  std::string device;  // the guest's name for it, "vda"
  Path path;
  std::string format;     // QEMU's name
  std::string io = {};    // "native", "threads"; "": as libvirt likes
  bool is_block = false;  // a block device, not a file
  bool is_cdrom = false;
  std::string bus = {};  // "sata"; "": as the device's name tells
};

// An instance as its hypervisor sees it.
struct Domain {
  std::string uuid;  // also its name, as Nova's with instance_name_template = %(uuid)s
  std::uint64_t memory_mb = 0;
  std::uint64_t vcpus = 0;
  bool is_windows = false;
  std::string root_device = {};  // "vda": what the guest boots from, in whatever order libvirt puts its disks
  Path kernel = {};              // "": the root device tells
  Path ramdisk = {};             // "": none
  Path console_log = {};
  GuestHardware hardware = {};
  std::string request = {};  // by which it could be made again, in JSON; "": it can't be
  std::vector<DomainDisk> disks = {};
  std::vector<std::string> left_out = {};  // what isn't among them, and why: a line each
};

}  // namespace basecache::domain
