#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/model/disk_plan.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/provision/config_drive.hpp"
#include "agent/provision/creation_planner.hpp"
#include "agent/provision/disk_backend.hpp"
#include "agent/provision/file_injection.hpp"
#include "agent/provision/instance_disk.hpp"
#include "agent/provision/instance_files.hpp"
#include "agent/provision/instance_image.hpp"
#include "agent/provision/volume_store.hpp"

namespace basecache::provision {

class InstanceDirectory;
class InstanceVolumes;

struct Backends {
  DiskBackend& raw;
  DiskBackend& qcow2;
  DiskBackend& lvm;
  VolumeStore& volumes;
  DriveWriter& iso9660_drive;
  DriveWriter& vfat_drive;
  GuestInjector& injector;

  DiskBackend& for_type(model::ImagesType type) const;
  // The backend that looks after an existing file, by disk.info's format. Error(storage_unusable) for another format.
  DiskBackend& for_format(model::DiskFormat format) const;
};

// What guests are told and given.
struct GuestSettings {
  std::string dhcp_domain = "novalocal";
  injection::InjectionSettings injects = {};
};

// What disks are made for. start: of a domain that somebody has: a disk that stands and is larger than asked for is
// kept then, for an operator may have grown it, and what a domain of ours can't have isn't refused.
enum class CreationFor { request, start };

// The use case: an image becomes the disks of an instance.
class Provisioner {
 public:
  // `syncs_disks`: what was made outlives a power cut.
  Provisioner(cache::ImageCache& cache, Backends backends, model::PlanDefaults defaults, bool syncs_disks,
              InstanceFiles files = InstanceFiles(), const GuestSettings& guest = {})
      : cache_(cache),
        backends_(backends),
        defaults_(std::move(defaults)),
        syncs_disks_(syncs_disks),
        files_(std::move(files)),
        planner_(cache, defaults_, files_.hypervisor()),
        config_drive_(backends.iso9660_drive, backends.vfat_drive, guest.dhcp_domain),
        injection_(backends.injector, guest.injects) {}

  Provisioner(const Provisioner&) = delete;
  Provisioner& operator=(const Provisioner&) = delete;

  // Idempotent: disks that exist are kept and grown, never made again, but for a config drive that is to be. All or
  // nothing: on failure what this call made is gone, and an instance directory appears only when it is whole. One
  // creation an instance at a time. A larger disk that is kept is noted with the operation.
  InstanceDisks create(const model::InstanceSpec& spec, OpContext& op, CreationFor purpose = CreationFor::request);

  // The libvirt.xml that create() would leave, with the request in it by which the disks can be made when it is
  // started; nothing is fetched, made or locked. Disks that stand already are in it as they are. Errors of create() as
  // far as they can be told without the image's bytes; Error(invalid_request) where what a disk's format will be can't.
  std::string domain(const model::InstanceSpec& spec, OpContext& op) const;

 private:
  struct Standing {
    Path path;
    MadeDisk disk;
    bool is_volume = false;
  };

  struct RootDisk {
    const cache::KnownImage& known;
    const model::InstanceSpec& spec;
    const model::DiskPlan& plan;
  };
  void keep(InstanceDirectory& directory, InstanceVolumes& volumes, OpContext& op) const;
  // `root`: what is known of it and goes into it where it is made now; null for any other disk.
  InstanceDisk provide_disk(const model::DiskSpec& disk, const RootDisk* root, InstanceDirectory& directory,
                            InstanceVolumes& volumes, std::vector<cache::BaseFileLease>& leases, CreationFor purpose,
                            OpContext& op);
  // The disk as it stands, grown where it has to be; nothing when there is none.
  std::optional<Standing> grow_existing(const model::DiskSpec& disk, const InstanceDirectory& directory,
                                        const InstanceVolumes& volumes, CreationFor purpose, OpContext& op) const;

  cache::ImageCache& cache_;
  Backends backends_;
  model::PlanDefaults defaults_;
  bool syncs_disks_;
  InstanceFiles files_;
  CreationPlanner planner_;
  ConfigDrive config_drive_;
  FileInjection injection_;
};

}  // namespace basecache::provision
