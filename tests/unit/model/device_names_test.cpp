#include "agent/model/device_names.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

#include <string>

#include "agent/model/disk_plan.hpp"
#include "tests/unit/model/disk_plan_rows.hpp"

using namespace basecache;
using namespace basecache::model;
using namespace basecache::model::test;

namespace {

// "disk vda, disk.swap vdb": the names that Nova's _get_disk_mapping gave for the same requests when it was run.
std::string devices_of(const char* request, const PlanDefaults& defaults = {}) {
  const DiskPlan plan = plan_disks(spec_of(request), defaults);
  std::string words;
  const auto add = [&](const std::string& name, const std::string& device) {
    words += (words.empty() ? "" : ", ") + name + " " + device;
  };
  for (const DiskSpec& disk : plan.disks) add(disk.name, disk.device);
  if (!plan.rescued_device.empty()) add("rescued", plan.rescued_device);
  const bool is_vfat = plan.config_drive_format == DriveFormat::vfat;
  if (plan.config_drive) add(*plan.config_drive, is_vfat ? plan.config_drive_disk : plan.config_drive_device);
  return words;
}

PlanDefaults on(VirtType virt_type, const std::string& cdrom_prefix = "hd") {
  PlanDefaults defaults;
  defaults.virt_type = virt_type;
  defaults.cdrom_prefix = cdrom_prefix;
  return defaults;
}

}  // namespace

TEST_CASE("disks have the names of their bus in order, a config drive that of an optical drive") {
  CHECK(devices_of(R"({"flavor":{"root_gb":1,"ephemeral_gb":1,"swap":8},"config_drive":true})") ==
        "disk vda, disk.local vdb, disk.swap vdc, disk.config hda");
  CHECK(
      devices_of(R"({"flavor":{"swap":8},"config_drive":true,"block_device_info":{"root_device_name":"/dev/hda"}})") ==
      "disk hda, disk.swap hdb, disk.config hdc");
  CHECK(devices_of(R"({"config_drive":true})", on(VirtType::kvm, "sd")) == "disk vda, disk.config sda");
  CHECK(devices_of(R"({"flavor":{"swap":8}})", on(VirtType::uml)) == "disk ubda, disk.swap ubdb");
}

TEST_CASE("a config drive of format vfat is a disk behind all others") {
  PlanDefaults defaults;
  defaults.config_drive_format = DriveFormat::vfat;
  CHECK(devices_of(R"({"flavor":{"root_gb":1,"swap":8},"config_drive":true})", defaults) ==
        "disk vda, disk.swap vdb, disk.config vdc");
  CHECK(
      devices_of(R"({"config_drive":true,"block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
                 defaults) == "disk vda, disk.config vdc");
  CHECK(devices_of(R"({"suffix":".rescue","config_drive":true})", defaults) ==
        "disk.rescue vda, rescued vdb, disk.config.rescue vdc");
  CHECK(devices_of(R"({"config_drive":true,"block_device_info":{"root_device_name":"/dev/hda"}})", defaults) ==
        "disk hda, disk.config hdb");
}

TEST_CASE("a config drive goes round what is there, not round the name of a swap of no size") {
  PlanDefaults defaults;
  defaults.config_drive_format = DriveFormat::vfat;
  CHECK(devices_of(R"({"config_drive":true,"block_device_info":{"swap":{"device_name":"/dev/vdb","swap_size":0}}})",
                   defaults) == "disk vda, disk.config vdb");
  CHECK(devices_of(R"({"flavor":{"swap":8},"config_drive":true,
                       "block_device_info":{"swap":{"device_name":"/dev/vdb","swap_size":0}}})",
                   defaults) == "disk vda, disk.swap vdc, disk.config vdb");
  CHECK(devices_of(R"({"config_drive":true,"block_device_info":{"ephemerals":[{"size":1},{"size":1}],
                       "block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
                   defaults) == "disk vda, disk.eph0 vdc, disk.eph1 vdd, disk.config vde");
}

TEST_CASE("what has a name keeps it, and what has none goes round it") {
  CHECK(devices_of(R"({"block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdd"},{"size":1}],
                       "swap":{"device_name":"vdc","swap_size":8}}})") ==
        "disk vda, disk.eph0 vdd, disk.eph1 vdb, disk.swap vdc");
  CHECK(devices_of(R"({"flavor":{"swap":8},"block_device_info":{"ephemerals":[{"size":1},{"size":1}],
                       "block_device_mapping":[{"mount_device":"/dev/vdb"}]}})") ==
        "disk vda, disk.eph0 vdc, disk.eph1 vdd, disk.swap vde");
  CHECK(devices_of(
            R"({"config_drive":true,"block_device_info":{"block_device_mapping":[{"mount_device":"/dev/hda"}]}})") ==
        "disk vda, disk.config hdb");
}

TEST_CASE("a rescue stands before the disk that it rescues") {
  CHECK(devices_of(R"({"suffix":".rescue","config_drive":true})") ==
        "disk.rescue vda, rescued vdb, disk.config.rescue hda");
  CHECK(devices_of(R"({"suffix":".rescue","block_device_info":{"root_device_name":"/dev/sda",
                       "block_device_mapping":[{"mount_device":"/dev/sdb"}]}})") == "disk.rescue sda, rescued sdb");
}

TEST_CASE("boot files are no devices") {
  CHECK(devices_of(R"({"kernel_id":"file:///boot/vmlinuz"})") == "kernel , disk vda");
}

TEST_CASE("names go on behind z") {
  DeviceNames names({}, VirtType::kvm);
  std::string last;
  for (int i = 0; i < 26; ++i) last = names.take();
  CHECK(last == "vdaa");
}

TEST_CASE("no two disks get one name") {
  BlockDevices devices;
  devices.root_device_name = "/dev/vdb";
  DeviceNames names(devices, VirtType::kvm);
  CHECK_THROWS_AS(names.take("/dev/vdb"), Error);  // the root device
  CHECK(names.take("/dev/vdc") == "vdc");
  CHECK_THROWS_AS(names.take("vdc"), Error);
  CHECK(names.take() == "vda");
  CHECK_THROWS_AS(names.take("/dev/vda"), Error);
}

TEST_CASE("a bus has no more devices than it has") {
  DeviceNames names({}, VirtType::kvm, DiskBus::ide);
  for (const char* name : {"hdb", "hdc", "hdd"}) CHECK(names.take() == name);
  CHECK_FALSE(names.has_room_on_own_bus());
  CHECK(names.has_room_on("sd"));
  CHECK_THROWS_AS(names.take(), Error);
}

TEST_CASE("a disk's name is a known prefix and letters, a partition's has a number too") {
  for (const char* name : {"vda", "/dev/vdaa", "sda1", "hdc", "xvdb", "fda", "ubda"}) CHECK(is_disk_name(name));
  for (const char* name : {"", "1", "xyz", "vd", "vd1", "/dev/", "vda1b", "sdA", "vdb/x", "/dev//dev/vda"}) {
    CAPTURE(name);
    CHECK_FALSE(is_disk_name(name));
  }
}
