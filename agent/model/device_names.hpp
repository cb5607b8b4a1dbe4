#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/model/disk_bus.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/model/virt_type.hpp"

namespace basecache::model {

// Whether it is what guests call disks and their partitions: "/dev/vdb", "vdb", "sda1", "xvda".
bool is_disk_name(std::string_view name);

// The names that the guest's devices get, in the order in which Nova hands them out
// (nova/virt/libvirt/blockinfo.py): "vda", without "/dev/".
//
// The bus is the image's wish; where it has none, the root device's name tells, or the hypervisor. A disk that the
// request names is called so, on whatever bus. Error(invalid_request) where a bus has no more (IDE 4, floppy 2).
class DeviceNames {
 public:
  // `root_prefix`: of the bus that a root device without a name is on; "": the same as the others'.
  DeviceNames(const BlockDevices& devices, VirtType virt_type, std::optional<DiskBus> wish = std::nullopt,
              const std::string& root_prefix = "");

  const std::string& root() const { return root_; }
  bool root_is_volume() const { return root_is_volume_; }

  // The next name of the bus isn't given to something else by block_device_info (volume_in_mapping).
  bool next_is_free() const { return !held_.contains(next(prefix_)); }
  // The name of a disk that the request has named so, or, "", left open. Error(invalid_request) for a second one.
  std::string take(const std::string& device_name = "");
  // The next of another bus: "hda" for "hd". What a volume holds isn't given away.
  std::string take_of(const std::string& prefix);
  // The same on the bus of the instance's own disks.
  std::string take_of_own_bus() { return take_of(prefix_); }
  bool has_room_on(const std::string& prefix) const;
  bool has_room_on_own_bus() const { return has_room_on(prefix_); }

 private:
  std::string next(const std::string& prefix) const;

  std::string prefix_;  // the letters that stand for the bus
  std::string root_;
  bool root_is_volume_ = false;
  std::set<std::string> given_;  // to the instance's own disks, the config drive among them
  std::set<std::string> taken_;  // the same, and what was passed over
  std::set<std::string> held_;   // by what block_device_info has
  std::set<std::string> named_;  // the same, and for swap of no size: passed over too where a disk has no name
};

}  // namespace basecache::model
