#pragma once

#include <optional>
#include <string>

#include "agent/base/path.hpp"
#include "agent/domain/domain.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::provision {

struct InstanceDisks;

// What was decided on, and what is there now.
struct MadeInstance {
  const model::InstanceSpec& spec;
  const model::DiskPlan& plan;
  const domain::GuestHardware& hardware;
  const InstanceDisks& disks;
};

// An instance's own root disk, while it is rescued.
struct RescuedDisk {
  Path path;
  std::string format;  // QEMU's name
  bool is_volume = false;
};

// The instance as its hypervisor sees it: what was planned, at the places where it was made. A rescue boots its own
// disk and has the instance's behind it (nova/virt/libvirt/blockinfo.py, _get_rescue_disk_mapping). Pure.
domain::Domain domain_of(const MadeInstance& made, const Path& instance_directory,
                         const std::optional<RescuedDisk>& rescued);

}  // namespace basecache::provision
