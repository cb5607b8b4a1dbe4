#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/disk_backend.hpp"
#include "agent/provision/drive_writer.hpp"
#include "agent/provision/instance_files.hpp"
#include "agent/provision/instance_image.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

class InstanceDirectory;
class InstanceVolumes;

// One disk of an instance, as answers name it.
struct InstanceDisk {
  std::string name;
  Path path;
  std::string format;     // QEMU's name; "iso9660" or "vfat" for a config drive
  Bytes size = {};        // virtual
  std::string base = {};  // cache key; "" for a config drive, and for a kept disk
  DiskIo io = DiskIo::automatic;
  bool is_volume = false;  // a block device
  std::string how;         // hit, joined, built (its base file); kept; made (config drive)
};

struct InstanceDisks {
  model::InstanceId uuid;
  std::vector<InstanceDisk> disks;
  std::optional<InstanceImage> image = {};  // what it keeps of its image; only shown
};

struct Backends {
  DiskBackend& raw;
  DiskBackend& qcow2;
  DiskBackend& lvm;
  VolumeStore& volumes;
  DriveWriter& iso9660_drive;
  DriveWriter& vfat_drive;

  DiskBackend& for_type(model::ImagesType type) const;
  // The backend that looks after an existing file, by disk.info's format. Error(storage_unusable) for another format.
  DiskBackend& for_format(model::DiskFormat format) const;
  DriveWriter& drive_of(model::DriveFormat format) const;
};

// The use case: an image becomes the disks of an instance.
class Provisioner {
 public:
  // `syncs_disks`: what was made outlives a power cut. `dhcp_domain`: behind the hostnames that guests are told.
  Provisioner(cache::ImageCache& cache, Backends backends, model::PlanDefaults defaults, bool syncs_disks,
              InstanceFiles files = InstanceFiles(), std::string dhcp_domain = "novalocal")
      : cache_(cache),
        backends_(backends),
        defaults_(std::move(defaults)),
        syncs_disks_(syncs_disks),
        files_(std::move(files)),
        dhcp_domain_(std::move(dhcp_domain)) {}

  // Idempotent: disks that exist are kept and grown, never made again, but for a config drive that is to be. All or
  // nothing: on failure what this call made is gone, and an instance directory appears only when it is whole. One
  // creation an instance at a time.
  InstanceDisks create(const model::InstanceSpec& spec, OpContext& op);

 private:
  struct Standing {
    Path path;
    MadeDisk disk;
    bool is_volume = false;
  };

  // What the request and the image decide together.
  struct Decision {
    model::InstanceSpec spec;
    model::DiskPlan plan;
    cache::KnownImage known;
    std::optional<InstanceImage> image;  // to be kept
  };
  Decision decide(const model::InstanceSpec& spec, const InstanceDirectory& directory, const InstanceVolumes& volumes,
                  OpContext& op);
  void keep(InstanceDirectory& directory, InstanceVolumes& volumes, OpContext& op) const;
  InstanceDisk provide_disk(const model::DiskSpec& disk, const cache::KnownImage& known, InstanceDirectory& directory,
                            InstanceVolumes& volumes, std::vector<cache::BaseFileLease>& leases, OpContext& op);
  // The disk as it stands, grown where it has to be; nothing when there is none.
  std::optional<Standing> grow_existing(const model::DiskSpec& disk, const InstanceDirectory& directory,
                                        const InstanceVolumes& volumes, OpContext& op) const;
  InstanceDisk provide_config_drive(const model::DiskPlan& plan, const model::InstanceSpec& spec,
                                    InstanceDirectory& directory, OpContext& op);

  cache::ImageCache& cache_;
  Backends backends_;
  model::PlanDefaults defaults_;
  bool syncs_disks_;
  InstanceFiles files_;
  std::string dhcp_domain_;
};

}  // namespace basecache::provision
