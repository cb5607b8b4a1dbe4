#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/domain/known_domain.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// The domains that libvirt's hook has told of and that run, or are about to: a file a domain,
// {"name", "files", "node", "boot", "uid"}. What stands on the files that they name is in use, whether libvirt can be
// asked or not. Survives restarts of the agent. One that this node held before it was booted doesn't count: its guest
// is gone. Only the node that holds one (instances_path may be shared) lets go of it.
class DomainLeases {
 public:
  explicit DomainLeases(const layout::CacheLayout& layout);
  // As another node, or after another boot: for tests.
  DomainLeases(const layout::CacheLayout& layout, std::string node, std::string boot);

  // Replaces what was held for this domain. Its uuid is a valid one. `by`: whose libvirt asks; Error(forbidden) when
  // this node holds it for another user's, for all but root (0).
  void hold(const domain::KnownDomain& domain, uid_t by = 0);
  // False when nothing was held, or another node holds it, or another user's libvirt and `by` isn't root.
  bool release(const std::string& uuid, uid_t by = 0);
  // This node's. Error(storage_unusable) when a file, another node's too, can't be read or understood: cannot know is
  // not unused.
  // `active`: the UUIDs of the domains that run, by the node's libvirt, null when it isn't known. What it started and
  // doesn't run any more, ten minutes after its start, was let go of while the agent was away: it doesn't count.
  std::vector<domain::KnownDomain> all(const std::set<std::string>* active = nullptr) const;
  // Removes what doesn't count.
  void remove_ended(const std::set<std::string>* active);
  // Other nodes', by machine_id(). What they name may be a file that only they have.
  std::multimap<std::string, domain::KnownDomain> others() const;

 private:
  bool counts(const struct DomainLease& lease, const std::set<std::string>* active) const;

  const layout::CacheLayout& layout_;
  const std::string node_;
  const std::string boot_;
};

}  // namespace basecache::cache
