#pragma once

#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

// Removes the volumes that died while they were made or removed, but those of instances that are being worked on, and
// those that can't be removed now. Their paths. May take as long as wiping them does.
std::vector<Path> remove_left_volumes(VolumeStore& store, const layout::CacheLayout& layout, const OpContext& op);

}  // namespace basecache::provision
