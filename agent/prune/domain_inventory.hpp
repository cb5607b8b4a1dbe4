#pragma once

#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/domain/known_domain.hpp"

namespace basecache::prune {

// Tells which domains the hypervisor knows, running or not.
class DomainInventory {
 public:
  virtual ~DomainInventory() = default;

  // All of them, with every file that any of their descriptions names (snapshots' too). Error when the hypervisor can't
  // tell, or not in time: cannot know is not unused. Error(busy) while a hook waits (OpContext::hook_wait()): the
  // hypervisor isn't asked then, and who has asked gives up as soon as one begins to wait.
  virtual std::vector<domain::KnownDomain> domains(const OpContext& op) const = 0;
};

}  // namespace basecache::prune
