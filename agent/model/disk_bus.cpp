#include "agent/model/disk_bus.hpp"

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"

namespace basecache::model {
namespace {

struct Row {
  DiskBus bus;
  std::string_view name;
  std::string_view prefix;
};

// The last three are what other hypervisors have: names are handed out by them, or never.
constexpr std::array<Row, 9> kBuses{{{DiskBus::fdc, "fdc", "fd"},
                                     {DiskBus::ide, "ide", "hd"},
                                     {DiskBus::sata, "sata", "sd"},
                                     {DiskBus::scsi, "scsi", "sd"},
                                     {DiskBus::usb, "usb", "sd"},
                                     {DiskBus::virtio, "virtio", "vd"},
                                     {DiskBus::xen, "xen", "xvd"},
                                     {DiskBus::lxc, "lxc", "vd"},
                                     {DiskBus::uml, "uml", "ubd"}}};

const Row& row_of(DiskBus bus) {
  const auto* row = std::ranges::find(kBuses, bus, &Row::bus);
  if (row == kBuses.end()) throw Error(ErrorCode::internal, "no such disk bus");
  return *row;
}

}  // namespace

std::string_view name_of(DiskBus bus) { return row_of(bus).name; }

std::optional<DiskBus> disk_bus_from(std::string_view name) {
  const auto* row = std::ranges::find(kBuses, name, &Row::name);
  return row == kBuses.end() ? std::nullopt : std::optional(row->bus);
}

const std::vector<std::string_view>& disk_bus_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Row& row : kBuses) all.push_back(row.name);
    return all;
  }();
  return names;
}

std::string_view prefix_of(DiskBus bus) { return row_of(bus).prefix; }

const std::vector<DiskBus>& buses_of(VirtType virt_type) {
  static const std::vector<DiskBus> machine{DiskBus::virtio, DiskBus::scsi, DiskBus::ide,
                                            DiskBus::usb,    DiskBus::fdc,  DiskBus::sata};
  static const std::vector<DiskBus> container{DiskBus::lxc};
  static const std::vector<DiskBus> user_mode{DiskBus::uml};
  static const std::vector<DiskBus> parallels{DiskBus::ide, DiskBus::scsi};
  switch (virt_type) {
    case VirtType::kvm:
    case VirtType::qemu:
      return machine;
    case VirtType::lxc:
      return container;
    case VirtType::uml:
      return user_mode;
    case VirtType::parallels:
      return parallels;
  }
  throw Error(ErrorCode::internal, "no buses for virt_type");
}

}  // namespace basecache::model
