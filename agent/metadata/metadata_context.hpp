#pragma once

#include <string>

#include "agent/model/disk_plan.hpp"

namespace basecache::metadata {

// What a guest is told that doesn't stand in the request.
struct MetadataContext {
  std::string dhcp_domain = "novalocal";  // behind each hostname; "": none. nova/conf/api.py
  model::DiskPlan plan = {};              // names the devices that the request leaves open
};

}  // namespace basecache::metadata
