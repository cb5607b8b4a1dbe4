#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// "block-device-mapping" of the EC2 tree: {"ami", "root", "ephemeralN", "swap", "ebsN"} to device names
// (nova/block_device.py, instance_block_mapping). A device that the request leaves open is the plan's; where neither
// knows the root device, the mapping is Nova's for that.
nlohmann::json block_device_mapping(const model::InstanceSpec& spec, const model::DiskPlan& plan);

}  // namespace basecache::metadata
