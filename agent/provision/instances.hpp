#pragma once

#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {

// The instances of this node, as their directories tell.
class Instances {
 public:
  Instances(const layout::CacheLayout& layout, Backends backends) : layout_(layout), backends_(backends) {}

  // What an instance has, from its directory and disk.info, never by probing. Error(not_found).
  InstanceDisks show(const model::InstanceId& uuid, OpContext& op) const;

  // Removes the instance's directory as a whole. Error(not_found). Waits for a creation of the same instance to end.
  void remove(const model::InstanceId& uuid, OpContext& op) const;

  // Removes the files of a rescue, whose names end with `suffix`, and what disk.info says of them; the rest of the
  // directory stays as it is. Their names, in order. Error(not_found) when there is none. Cut off, it can be asked for
  // again.
  std::vector<std::string> remove_suffixed(const model::InstanceId& uuid, const std::string& suffix,
                                           OpContext& op) const;

 private:
  const layout::CacheLayout& layout_;
  Backends backends_;
};

}  // namespace basecache::provision
