#pragma once

#include "agent/base/byte_size.hpp"
#include "backends/sandbox/limits.hpp"

namespace basecache::qemu {

// What qemu-img may use up. An image of any honest kind needs a small part of it; Nova's own limits for "qemu-img info"
// are 1 GiB and 30 s (nova/virt/images.py), of which the first is too little for a QEMU that is linked with Ceph
// (Launchpad 2116852).
sandbox::Limits limits_of_looking();
// Inflating runs at some 100 MB/s of a core or more: a tenth of that, and ten minutes.
sandbox::Limits limits_of_converting(Bytes virtual_size);
// Headers and tables of a disk of that size.
sandbox::Limits limits_of_changing(Bytes virtual_size);

}  // namespace basecache::qemu
