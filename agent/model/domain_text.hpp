#pragma once

#include <string_view>

namespace basecache::model {

class InstanceId;

// Whether a caller's text may stand as libvirt.xml of that instance: well-formed XML whose root element is <domain>,
// which names no other uuid. What else is in it is between the caller and libvirt. `field` is named in
// Error(invalid_request); of the text nothing is, as it may hold passwords.
void check_domain_text(std::string_view text, const InstanceId& uuid, std::string_view field);

}  // namespace basecache::model
