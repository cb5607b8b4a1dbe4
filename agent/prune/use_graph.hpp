#pragma once

#include "agent/cache/base_file_users.hpp"
#include "agent/cache/domain_leases.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/prune/disk_chain_reader.hpp"
#include "agent/prune/domain_inventory.hpp"
#include "agent/prune/node_markers.hpp"
#include "agent/prune/usage.hpp"

namespace basecache::prune {

// Who tells what uses base files besides the instance directories. All of them outlive the graph.
struct UseSources {
  const DomainInventory* domains = nullptr;  // nobody: this node has no hypervisor to ask
  cache::DomainLeases* leases = nullptr;
  const NodeMarkers* nodes = nullptr;
};

// Who uses which base file of this node, by everything that can tell.
class UseGraph final : public cache::BaseFileUsers {
 public:
  UseGraph(const layout::CacheLayout& layout, const DiskChainReader& chains, UseSources sources = {})
      : layout_(layout), chains_(chains), sources_(sources) {}

  // The same usage, for who holds nothing that a hook may need: lets hooks that wait be answered before it asks the
  // hypervisor, and asks again when one made it give up, a few times.
  UseGraph after_hooks() const;

  // The hypervisor is asked once, and not at all while a hook waits: then usage isn't known. `tidies`:
  // leases of domains that have ended are removed.
  Usage collect(const OpContext& op, bool tidies = false) const;

  // Tells other nodes what this one's domains use: for who really prunes, and for a daemon from time to time.
  void tell_nodes(const OpContext& op) const;
  bool asks_domains() const { return sources_.domains != nullptr; }

  std::optional<std::string> reason_to_stay(const model::CacheKey& key, const OpContext& op) const override;

 private:
  Usage other_nodes_usage(class ChainWalk& walk) const;
  // `was_asked`: false when the hypervisor wasn't, or not to the end, for a hook's sake.
  Usage domains_usage(const OpContext& op, class ChainWalk& walk, bool& was_asked, bool tidies) const;
  std::vector<domain::KnownDomain> domains(const OpContext& op) const;

  const layout::CacheLayout& layout_;
  const DiskChainReader& chains_;
  UseSources sources_;
  bool is_after_hooks_ = false;
};

}  // namespace basecache::prune
