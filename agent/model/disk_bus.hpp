#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/model/virt_type.hpp"

namespace basecache::model {

// What a guest's disks hang on, in libvirt's and Glance's words (nova/objects/fields.py, DiskBus).
enum class DiskBus { fdc, ide, sata, scsi, usb, virtio, xen, lxc, uml };

std::string_view name_of(DiskBus bus);
std::optional<DiskBus> disk_bus_from(std::string_view name);
const std::vector<std::string_view>& disk_bus_names();

// The letters that its devices' names begin with: "vd" for virtio, "sd" for scsi, sata and usb
// (nova/virt/libvirt/blockinfo.py, get_dev_prefix_for_disk_bus).
std::string_view prefix_of(DiskBus bus);

// Those that a hypervisor has (blockinfo.py, SUPPORTED_DEVICE_BUSES).
const std::vector<DiskBus>& buses_of(VirtType virt_type);

// What is asked for beside the names of block_device_info. Nothing: told by the root device's name, else the
// hypervisor's own.
struct BusWishes {
  std::optional<DiskBus> disk = {};
  std::optional<DiskBus> cdrom = {};
  bool root_is_disc = false;  // and stands on the bus of optical drives
};

}  // namespace basecache::model
