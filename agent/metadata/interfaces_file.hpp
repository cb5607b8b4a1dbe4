#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/model/network_model.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache::metadata {

// /etc/network/interfaces of a guest with static addresses on networks that are `injected`, as Debian's ifupdown reads
// it and Nova's nova/virt/interfaces.template makes it. Nothing where no port is on such a network: DHCP needs no file.
// Interfaces are eth0, eth1 ... in the order of the ports; those that aren't told count too. A container (lxc) gets its
// IPv6 address by commands. Two differences: of a network of one or two addresses Nova writes "broadcast None", and of
// a port without a MAC "hwaddress ether None", which ifup refuses; here those lines are left out.
std::optional<std::string> interfaces_file(const std::vector<model::Vif>& network_info,
                                           model::VirtType virt_type = model::VirtType::kvm);

}  // namespace basecache::metadata
