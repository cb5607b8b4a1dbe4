#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "agent/model/network_model.hpp"

namespace basecache::metadata {

// network_data.json: {"links", "networks", "services"} of an instance's ports (nova/virt/netutils.py,
// get_network_metadata); {} where it has no port. Of each port the first IPv4 and the first IPv6 subnet are told. Links
// are ports: Nova makes no bonds and no VLANs of them.
nlohmann::json network_json(const std::vector<model::Vif>& network_info);

}  // namespace basecache::metadata
