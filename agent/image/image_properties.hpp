#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/image/image_block_devices.hpp"
#include "agent/model/disk_bus.hpp"
#include "agent/model/image.hpp"
#include "agent/model/image_meta.hpp"

namespace basecache::image {

enum class ConfigDrivePolicy { optional, mandatory };

// What an image's properties say to the hypervisor, in Nova's words and with its legacy names
// (nova/objects/image_meta.py, ImageMetaProps). Nothing where the image says nothing.
struct ImageProperties {
  std::optional<model::DiskBus> disk_bus = {};          // hw_disk_bus, vmware_adaptertype
  std::optional<model::DiskBus> cdrom_bus = {};         // hw_cdrom_bus
  std::optional<std::string> scsi_model = {};           // hw_scsi_model: "virtio-scsi"
  std::optional<std::string> vif_model = {};            // hw_vif_model: "virtio"
  std::optional<std::string> machine_type = {};         // hw_machine_type: "q35"
  std::optional<std::string> firmware_type = {};        // hw_firmware_type: "bios", "uefi"
  std::optional<std::string> rng_model = {};            // hw_rng_model: "virtio"
  std::optional<std::string> watchdog_action = {};      // hw_watchdog_action: "reset"
  std::optional<std::string> video_model = {};          // hw_video_model: "virtio"
  std::optional<std::string> secure_boot = {};          // os_secure_boot: "required", "disabled", "optional"
  std::optional<std::string> command_line = {};         // os_command_line, of the image's kernel
  std::optional<bool> boot_menu = {};                   // hw_boot_menu
  std::optional<bool> hpet = {};                        // hw_time_hpet
  std::optional<bool> pmu = {};                         // hw_pmu
  std::optional<bool> hides_hypervisor = {};            // img_hide_hypervisor_id
  std::optional<bool> qemu_guest_agent = {};            // hw_qemu_guest_agent
  std::optional<bool> require_quiesce = {};             // os_require_quiesce
  std::optional<std::uint32_t> serial_port_count = {};  // hw_serial_port_count: 0 to 4

  std::optional<std::uint32_t> cpu_sockets = {};  // hw_cpu_sockets ...
  std::optional<std::uint32_t> cpu_cores = {};
  std::optional<std::uint32_t> cpu_threads = {};
  std::optional<std::uint32_t> cpu_max_sockets = {};
  std::optional<std::uint32_t> cpu_max_cores = {};
  std::optional<std::uint32_t> cpu_max_threads = {};
  std::optional<std::string> cpu_policy = {};         // "dedicated", "shared", "mixed"
  std::optional<std::string> cpu_thread_policy = {};  // "prefer", "isolate", "require"
  std::optional<std::string> cpu_realtime_mask = {};  // "^0-1"

  std::optional<std::string> os_distro = {};                     // a short id of libosinfo: "debian12"
  std::optional<std::string> os_type = {};                       // "linux", "windows"
  std::optional<std::string> architecture = {};                  // libvirt's name: "x86_64"
  std::optional<std::string> emulation = {};                     // hw_emulation_architecture: goes before it
  ConfigDrivePolicy config_drive = ConfigDrivePolicy::optional;  // img_config_drive

  std::optional<model::ImageRef> kernel_id = {};  // an image of the registry, never a URL
  std::optional<model::ImageRef> ramdisk_id = {};
  bool without_kernel = false;                       // kernel_id = nokernel
  std::optional<std::string> root_device_name = {};  // "/dev/vda"; also of `mappings`
  ImageBlockDevices block_devices = {};              // block_device_mapping, mappings

  // Those that Nova makes a part of the domain and nobody here does, by name: what the guest's security rests on (TPM,
  // encrypted memory), and what is missed less.
  std::vector<std::string> unmade_security = {};
  std::vector<std::string> unmade = {};

  // Properties that aren't named here are nobody's: carried, never read. Error(`code`), with the field "property",
  // names the first one that has a value it can't have, the value, and those that it can have.
  static ImageProperties parse(const std::map<std::string, std::string>& properties,
                               ErrorCode code = ErrorCode::image_unacceptable);
};

}  // namespace basecache::image
