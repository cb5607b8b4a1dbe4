#pragma once

#include <string>
#include <vector>

#include "agent/provision/staged_disks.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

// The volumes of one instance while its disks are being made. New ones have staged names and get their own in keep();
// what a dead creation left is removed first. The caller holds the instance's lock (InstanceDirectory), longer than
// this lives.
class InstanceVolumes : public StagedDisks {
 public:
  InstanceVolumes(VolumeStore& store, const model::InstanceId& uuid, const OpContext& op);
  InstanceVolumes(const InstanceVolumes&) = delete;
  InstanceVolumes& operator=(const InstanceVolumes&) = delete;
  ~InstanceVolumes() override;  // what wasn't kept is removed; what can't be, by the next creation

  std::optional<model::DiskFormat> existing(const std::string& disk) const override;  // raw
  DiskPlace place(const std::string& disk) const override;
  void add(const std::string& disk, model::DiskFormat format) override;

  // What was added becomes visible, one after the other: cut off, the next creation keeps those that are.
  void keep(const OpContext& op);

 private:
  void remove_staged(const OpContext& op);

  VolumeStore& store_;
  const model::InstanceId uuid_;
  std::vector<std::string> existing_;
  std::vector<std::string> added_;
  mutable bool is_begun_ = false;  // somebody knows where to make one
};

}  // namespace basecache::provision
