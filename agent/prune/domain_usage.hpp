#pragma once

#include <string>
#include <vector>

#include "agent/domain/known_domain.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/prune/chain_walk.hpp"

namespace basecache::prune {

// Who told of domains, which their users' names say: the hypervisor, this node's leases, or another's.
enum class ToldBy { hypervisor, hook, hook_elsewhere };

// Walks every file of the domains that wasn't walked before as what the domain says that it is.
//
// A file that is missing uses nothing when it is raw, of no format with backing files, or inside instances_path (Nova
// renames a directory while its domain is defined); else, or behind a link that leads nowhere, what it stands on can't
// be told. A format that the domain leaves open is as a base file's record, disk.info beside
// it or its header says; of a device it is raw, as libvirt takes it.
void collect_domains(const std::vector<domain::KnownDomain>& domains, ToldBy told_by, const layout::CacheLayout& layout,
                     ChainWalk& walk);

}  // namespace basecache::prune
