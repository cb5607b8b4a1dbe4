#pragma once

#include "agent/injection/guest_tree.hpp"
#include "agent/injection/injection.hpp"

namespace basecache::injection {

// Puts the item where Nova puts it: paths, modes, owners, appended or replaced (nova/virt/disk/api.py,
// _inject_*_into_fs). Errors as of the tree; what was written until then stays.
void apply_item(const Item& item, GuestTree& tree);

}  // namespace basecache::injection
