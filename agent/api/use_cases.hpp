#pragma once

#include <string>
#include <vector>

#include "agent/cache/content_check.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/cache/pins.hpp"
#include "agent/cache/quarantine.hpp"
#include "agent/provision/domain_disks.hpp"
#include "agent/provision/instances.hpp"
#include "agent/provision/provisioner.hpp"
#include "agent/prune/pruner.hpp"
#include "agent/prune/use_graph.hpp"

namespace basecache::api {

// What the door opens to. Owned by the composition, which outlives the door.
struct UseCases {
  cache::ImageCache& cache;
  cache::Pins& pins;
  provision::Provisioner& provisioner;
  provision::Instances& instances;
  provision::DomainDisks& domains;
  prune::Pruner& pruner;
  cache::ContentCheck& content_check;
  const cache::Quarantine& quarantine;
  const prune::UseGraph& uses;
  const std::vector<std::string>& sandbox_lacks;  // what this kernel can't confine, in words
};

}  // namespace basecache::api
