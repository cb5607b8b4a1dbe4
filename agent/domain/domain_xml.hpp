#pragma once

#include <string>
#include <string_view>

#include "agent/domain/domain.hpp"

namespace basecache::domain {

// A complete domain that libvirt can start (https://libvirt.org/formatdomain.html), as LibvirtDriver._get_guest_config
// (nova/virt/libvirt) makes it where no image property says otherwise: buses by the devices' names, driver cache
// "none", or "writeback" where a file system doesn't take O_DIRECT, a serial port that is logged to console.log. What
// image and flavor ask for besides stands in GuestHardware. No network, no graphics. Its metadata hold the request
// (instance_metadata.hpp).
//
// Of an lxc domain the root device is the root file system, which libvirt mounts itself (Nova has mounted it before);
// other disks aren't there, as with Nova. Its text begins with a mark that says who made it.
std::string domain_xml(const Domain& domain, const Hypervisor& hypervisor);

// Whether the text is domain_xml()'s, and not somebody's who wrote or changed it without taking the mark out.
bool is_made_here(std::string_view text);

// Whether a text of ours holds no request by which its instance could be made again.
bool holds_no_request(std::string_view text);

// Somebody's text as it may stand where domain_xml()'s would: without its mark.
std::string_view without_mark(std::string_view text);

}  // namespace basecache::domain
