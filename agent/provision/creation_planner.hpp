#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/domain/domain.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/instance_image.hpp"

namespace basecache::provision {

// What there is of an instance already.
struct StandingInstance {
  Path directory;  // there or not
  // Error(already_exists) for what is no disk that we can tell the format of.
  std::function<bool(const std::string& disk)> has_disk;
  std::function<std::string(const std::string& disk)> recorded;  // QEMU's word for a file's format; "": none
};

// What the request and the image decide together.
struct CreationDecision {
  model::InstanceSpec spec;  // with what the image says
  model::DiskPlan plan;
  cache::KnownImage known;
  std::optional<InstanceImage> image;  // to be kept
  domain::GuestHardware hardware;
};

// Decides on everything before the first byte is fetched. Writes nothing.
class CreationPlanner {
 public:
  // All must outlive this.
  CreationPlanner(cache::ImageCache& cache, const model::PlanDefaults& defaults, const domain::Hypervisor& hypervisor)
      : cache_(cache), defaults_(defaults), hypervisor_(hypervisor) {}

  // Errors of choose_image(), of the image's properties (in the context of the root disk), plan_disks().
  // `has_domain`: somebody has made one already.
  CreationDecision decide(const model::InstanceSpec& spec, const StandingInstance& standing, OpContext& op,
                          bool has_domain = false) const;

 private:
  cache::ImageCache& cache_;
  const model::PlanDefaults& defaults_;
  const domain::Hypervisor& hypervisor_;
};

}  // namespace basecache::provision
