#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/provision/creation_planner.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/provision/instance_disk.hpp"
#include "agent/provision/instance_domain.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

struct Backends;

// The disks that a creation would leave, as they can be told before it: those that stand as they are, the others as
// their backend will make them. Reads the instance's directory and volumes once; locks and writes nothing.
class PlannedDisks {
 public:
  // All must outlive this.
  PlannedDisks(const cache::ImageCache& cache, const Backends& backends, const model::PlanDefaults& defaults,
               const model::InstanceSpec& spec, const OpContext& op);

  StandingInstance standing() const;

  // Error(invalid_request) where the format of one depends on an image that nobody knows enough of; errors of
  // require_key(), and where no volume group is configured.
  InstanceDisks disks(const CreationDecision& decision) const;
  std::optional<RescuedDisk> rescued() const;
  const Path& directory() const { return directory_; }

 private:
  bool has_file(const std::string& disk) const;
  const DiskVolume* volume(const std::string& disk) const;
  InstanceDisk disk_of(const model::DiskSpec& disk, const CreationDecision& decision) const;
  InstanceDisk config_drive_of(const model::DiskPlan& plan) const;
  std::optional<model::DiskFormat> base_format(const model::DiskSpec& disk, const CreationDecision& decision) const;

  const cache::ImageCache& cache_;
  const Backends& backends_;
  const model::PlanDefaults& defaults_;
  const model::InstanceSpec& spec_;
  const Path directory_;
  const DiskFormats formats_;
  const std::vector<DiskVolume> volumes_;
};

}  // namespace basecache::provision
