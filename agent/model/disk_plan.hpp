#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/model/base_file_spec.hpp"
#include "agent/model/disk_bus.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/drive_format.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache::model {

// The configuration that decides what is planned.
struct PlanDefaults {
  ImagesType images_type = ImagesType::qcow2;
  std::string default_ephemeral_format = {};  // "": by os_type, as Nova: linux ext4, windows ntfs, else vfat
  bool force_config_drive = false;
  DriveFormat config_drive_format = DriveFormat::iso9660;
  // By os_type; "default": of every other. None: by its file system, whatever is the default.
  std::map<std::string, std::optional<MkfsCommand>> mkfs_commands = {};
  VirtType virt_type = VirtType::kvm;
  std::string cdrom_prefix = "hd";  // of the bus that optical drives are on: IDE on a PC
  bool has_raw_bases = true;        // else a base file has its image's own format (force_raw_images)
  bool encrypts_volumes = false;    // with the key that the request names
};

// One disk to be made: name in the instance directory, base file, backend, size.
struct DiskSpec {
  std::string name;  // "kernel", "disk", "disk.local", "disk.eph0", "disk.swap", each with the suffix
  BaseFileSpec base;
  ImagesType images_type = ImagesType::qcow2;
  std::optional<Bytes> size;  // absent: the base file's own size (kernel, ramdisk, root_gb 0, a rescue disk)
  std::string device = {};    // the guest's name for it, "vda"; "" for boot files
  bool is_disc = false;       // the guest sees it in an optical drive
};

// The root disk's name, with the suffix behind it.
inline constexpr const char* kRootDisk = "disk";
inline constexpr const char* kConfigDrive = "disk.config";

struct DiskPlan {
  std::vector<DiskSpec> disks;                             // in the order they are made: boot files, root ...
  bool makes_root = false;                                 // else it is a volume
  std::optional<std::string> config_drive;                 // its file's name ("disk.config"), when one is wanted
  std::string root_device = {};                            // "vda", also where a volume is the root device
  DriveFormat config_drive_format = DriveFormat::iso9660;  // of a new one
  std::string config_drive_device = {};                    // "hda": where it is an optical drive (iso9660)
  std::string config_drive_disk = {};                      // "vdb": where it is a disk (vfat)
  std::string rescued_device = {};                         // "vdb": the instance's own root disk while it is rescued
  BusWishes buses = {};                                    // nothing: as the devices' names tell
};

// The decisions of LibvirtDriver._create_image and blockinfo.get_disk_mapping (nova/virt/libvirt), as one pure
// function: which disks, of what size, from which base files.
// Error(invalid_request) where the request contradicts itself (no image and no root volume, a config drive to be made
// anew that isn't wanted, more devices than a bus has).
DiskPlan plan_disks(const InstanceSpec& spec, const PlanDefaults& defaults, const BusWishes& wishes = {});

// "vda", where a volume stands on the root device, and what image_ref names isn't made a disk of. By the request alone:
// what an image says later doesn't change it (image/image_choices.hpp, with_image).
std::optional<std::string> root_volume(const InstanceSpec& spec, const PlanDefaults& defaults);

// Before a disk is made: nobody gets a plain one who wanted, or must have, an encrypted one. Error(invalid_request).
void require_key(const DiskSpec& disk, const std::string& key_id, const PlanDefaults& defaults);

// What formats an ephemeral disk, as Nova has it: the operator's command for the os_type goes before what the request
// asks for, and that before the defaults.
EphemeralFormat ephemeral_format(const std::string& os_type, const std::optional<std::string>& asked,
                                 const PlanDefaults& defaults);

// The file system a plain ephemeral disk gets: `default_format`, else by os_type as Nova has it.
std::string ephemeral_file_system(std::string_view os_type, std::string_view default_format);

}  // namespace basecache::model
