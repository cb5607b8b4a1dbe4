#pragma once

#include <string>
#include <string_view>

#include "agent/model/instance_spec.hpp"

namespace basecache::metadata {

// A display name as a hostname (nova/utils.py, sanitize_hostname): letters and digits of Latin-1 and '-', in lower
// case, at most 63 characters. "" where nothing is left. UTF-8; bytes that aren't are left out.
std::string hostname_from(std::string_view display_name);

// The instance's display name; of one without Nova makes "Server <uuid>" (nova/compute/api.py,
// _populate_instance_names).
std::string name_of(const model::InstanceSpec& spec);

// The request's own hostname, else one made of the name, else "Server-<uuid>"; with `.domain` unless that is "".
std::string hostname_of(const model::InstanceSpec& spec, const std::string& domain);

}  // namespace basecache::metadata
