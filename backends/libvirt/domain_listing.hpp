#pragma once

#include <functional>
#include <string>

#include "agent/domain/known_domain.hpp"

namespace basecache::libvirt {

// Tells `take` of each domain that the libvirt at `uri` knows, running or not: the files of its running and its lasting
// description, of its snapshots, checkpoints and managed save; each named once. The connection is read-only and starts
// no daemon. A domain that vanishes meanwhile is left out. Nothing here ends while libvirt doesn't answer: only for a
// process of its own. Error(tool_failed), Error(storage_unusable).
void list_domains(const std::string& uri, const std::function<void(const domain::KnownDomain&)>& take);

}  // namespace basecache::libvirt
