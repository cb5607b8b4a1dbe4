#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/domain/known_domain.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// The domains that libvirt's hook has told of and that run, or are about to: a file a domain,
// {"name", "files", "node", "boot"}. What stands on the files that they name is in use, whether libvirt can be asked or
// not. Survives restarts of the agent. One that this node held before it was booted doesn't count: its guest is gone.
// Only the node that holds one (instances_path may be shared) lets go of it.
class DomainLeases {
 public:
  explicit DomainLeases(const layout::CacheLayout& layout);
  // As another node, or after another boot: for tests.
  DomainLeases(const layout::CacheLayout& layout, std::string node, std::string boot);

  // Replaces what was held for this domain. Its uuid is a valid one.
  void hold(const domain::KnownDomain& domain);
  // False when nothing was held, or another node holds it.
  bool release(const std::string& uuid);
  // This node's. Error(storage_unusable) when a file, another node's too, can't be read or understood: cannot know is
  // not unused.
  std::vector<domain::KnownDomain> all() const;
  // Other nodes', by machine_id(). What they name may be a file that only they have.
  std::multimap<std::string, domain::KnownDomain> others() const;

 private:
  const layout::CacheLayout& layout_;
  const std::string node_;
  const std::string boot_;
};

}  // namespace basecache::cache
