#pragma once

#include <string>
#include <vector>

#include "agent/provision/staged_disks.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

// The volumes of one instance while its disks are being made. New ones have staged names until publish(); what a dead
// creation left is removed first. The caller holds the instance's lock (InstanceDirectory), longer than this lives.
class InstanceVolumes : public StagedDisks {
 public:
  InstanceVolumes(VolumeStore& store, VolumeOwner owner, const OpContext& op);
  InstanceVolumes(const InstanceVolumes&) = delete;
  InstanceVolumes& operator=(const InstanceVolumes&) = delete;
  ~InstanceVolumes() override;  // undone unless keep() was reached; what can't be, by the next creation

  const std::string& key_id() const { return owner_.key_id; }

  std::optional<model::DiskFormat> existing(const std::string& disk) const override;  // raw
  DiskPlace place(const std::string& disk) const override;
  void add(const std::string& disk, model::DiskFormat format) override;

  // What was added becomes visible, one after the other. Who is killed meanwhile leaves whole disks, which the next
  // creation keeps.
  void publish(const OpContext& op);
  // What was published stays.
  void keep() { is_begun_ = false; }

 private:
  VolumeStore& store_;
  const VolumeOwner owner_;
  std::vector<std::string> existing_;
  std::vector<std::string> added_;
  std::vector<std::string> published_;
  mutable bool is_begun_ = false;  // somebody knows where to make one
};

}  // namespace basecache::provision
