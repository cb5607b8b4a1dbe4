#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/domain/known_domain.hpp"

namespace basecache::domain {

// Where a volume of one of libvirt's storage pools is; "" when it isn't a file or device of this node.
using VolumePath = std::function<Path(const std::string& pool, const std::string& volume)>;

// Longer descriptions aren't read; libvirt's own messages end at 32 MiB (VIR_NET_MESSAGE_MAX).
inline constexpr Bytes kLongestDescription = mebibytes(32);

// Every file and block device that a description of libvirt's names, in its order, one named twice twice: <domain>
// (https://libvirt.org/formatdomain.html), <domainsnapshot> and <domaincheckpoint>, whose files' roles say so ("disk
// vda of snapshot 'before'") and which have the uuid and name of their domain. Disks with all below and beside them
// (backing store, mirror, data file), CD-ROMs and floppies too, kernel, firmware, a container's file systems. Disks in
// a network, and directories, aren't among them; volumes of pools only when somebody says where those are.
// No entities are expanded and nothing is opened. Error(storage_unusable) for what isn't understood.
KnownDomain known_domain(std::string_view xml, const VolumePath& path_of_volume = {});

}  // namespace basecache::domain
