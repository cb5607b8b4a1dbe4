#pragma once

#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/provision/disk_formats.hpp"
#include "agent/provision/provisioner.hpp"

namespace basecache::provision {

// The instances of this node, as their directories and volumes tell.
class Instances {
 public:
  Instances(const layout::CacheLayout& layout, Backends backends) : layout_(layout), backends_(backends) {}

  // What an instance has, from its directory, disk.info and its volumes, never by probing. Error(not_found).
  InstanceDisks show(const model::InstanceId& uuid, OpContext& op) const;

  // Its libvirt.xml, or that of its rescue (`suffix` ".rescue"), as `virsh define` takes it. Error(not_found).
  std::string domain(const model::InstanceId& uuid, const std::string& suffix, const OpContext& op) const;

  // Removes the instance's volumes and its directory as a whole. Error(not_found); Error(in_use) while a guest has a
  // volume open. Waits for a creation of the same instance to end. Cut off, it can be asked for again.
  void remove(const model::InstanceId& uuid, OpContext& op) const;

  // Removes the disks and files of a rescue, whose names end with `suffix`, and what disk.info says of them; the rest
  // of the instance stays as it is. Their names, in order. Error(not_found) when there is none. Cut off, it can be
  // asked for again.
  std::vector<std::string> remove_suffixed(const model::InstanceId& uuid, const std::string& suffix,
                                           OpContext& op) const;

 private:
  struct Found {
    Path directory;  // there, unless it has volumes
    std::vector<DiskVolume> volumes;
  };

  Found find(const model::InstanceId& uuid, const OpContext& op) const;
  InstanceDisk shown_file(const Path& path, const DiskFormats& formats, OpContext& op) const;
  void remove_directory(const model::InstanceId& uuid) const;
  // Adds their names; whether there was anything.
  bool remove_suffixed_files(const model::InstanceId& uuid, const std::string& suffix,
                             std::vector<std::string>& names) const;

  const layout::CacheLayout& layout_;
  Backends backends_;
};

}  // namespace basecache::provision
