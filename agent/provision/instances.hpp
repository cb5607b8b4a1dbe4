#pragma once

#include "agent/base/op_context.hpp"
#include "agent/cache/cache_layout.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {

// What an instance has, from its directory and disk.info. Error(not_found).
InstanceDisks show_instance(const cache::CacheLayout& layout, const model::InstanceId& uuid);

// Removes the instance's directory as a whole. Error(not_found). Waits for a creation of the same instance to end.
void remove_instance(const cache::CacheLayout& layout, const model::InstanceId& uuid, OpContext& op);

}  // namespace basecache::provision
