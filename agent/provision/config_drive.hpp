#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/drive_writer.hpp"
#include "agent/provision/instance_disk.hpp"

namespace basecache::provision {

class InstanceDirectory;

// The config drive of an instance: what the guest reads, on the medium that the plan says.
class ConfigDrive {
 public:
  // `dhcp_domain`: behind the hostnames that guests are told; "": none.
  ConfigDrive(DriveWriter& iso9660, DriveWriter& vfat, std::string dhcp_domain)
      : iso9660_(iso9660), vfat_(vfat), dhcp_domain_(std::move(dhcp_domain)) {}

  // The plan names one. One that is there is kept, or, where the request says so, made anew of the same medium: whoever
  // defined the domain knows its device.
  InstanceDisk provide(const model::DiskPlan& plan, const model::InstanceSpec& spec, InstanceDirectory& directory,
                       OpContext& op) const;

 private:
  void write(model::DriveFormat format, const Path& file, const model::DiskPlan& plan, const model::InstanceSpec& spec,
             OpContext& op) const;

  DriveWriter& iso9660_;
  DriveWriter& vfat_;
  std::string dhcp_domain_;
};

}  // namespace basecache::provision
