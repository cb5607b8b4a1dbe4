#include "agent/image/image_properties.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::image;

namespace {

using Texts = std::map<std::string, std::string>;

const std::string kUuid = "0d6b1d0c-7a53-44c5-8a3c-5b1f0e6b7a10";

std::string field_of(const Error& error, const std::string& name) {
  for (const auto& [key, value] : error.fields()) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("a wrong value is refused with the property, the value and what it may be") {
  struct Row {
    Texts properties;
    std::string property;
    std::string told;
  };
  const std::string deep = R"([{"virtual":)" + std::string(60'000, '[') + std::string(60'000, ']') + "}]";
  const std::vector<Row> rows{
      {{{"hw_disk_bus", "nvme"}}, "hw_disk_bus", "'nvme', and can only be one of fdc, ide, sata, scsi, usb, virtio"},
      {{{"hw_cdrom_bus", "tape"}}, "hw_cdrom_bus", "one of fdc, ide"},
      {{{"hw_scsi_model", "aic7xxx"}}, "hw_scsi_model", "one of buslogic, ibmvscsi"},
      {{{"vmware_adaptertype", "x"}}, "vmware_adaptertype", "one of buslogic"},
      {{{"hw_vif_model", "3c509"}}, "hw_vif_model", "one of virtio, ne2k_pci"},
      {{{"hw_rng_model", "dice"}}, "hw_rng_model", "can only be virtio"},
      {{{"hw_firmware_type", "coreboot"}}, "hw_firmware_type", "one of uefi, bios"},
      {{{"hw_watchdog_action", "bark"}}, "hw_watchdog_action", "one of none, pause, poweroff, reset, disabled"},
      {{{"hw_video_model", "cga"}}, "hw_video_model", "one of cirrus, qxl"},
      {{{"hw_boot_menu", "perhaps"}}, "hw_boot_menu", "one of true, yes, on, 1, false, no, off, 0"},
      {{{"hw_qemu_guest_agent", ""}}, "hw_qemu_guest_agent", "one of true"},
      {{{"os_require_quiesce", "2"}}, "os_require_quiesce", "one of true"},
      {{{"hw_serial_port_count", "5"}}, "hw_serial_port_count", "a whole number from 0 to 4"},
      {{{"hw_serial_port_count", "-1"}}, "hw_serial_port_count", "a whole number from 0 to 4"},
      {{{"hw_cpu_cores", "0"}}, "hw_cpu_cores", "a whole number from 1 to 65536"},
      {{{"hw_cpu_max_threads", "65537"}}, "hw_cpu_max_threads", "a whole number from 1 to 65536"},
      {{{"hw_cpu_policy", "mine"}}, "hw_cpu_policy", "one of dedicated, shared, mixed"},
      {{{"hw_machine_type", "pc'/><evil"}}, "hw_machine_type", "letters, digits and any of '._-'"},
      {{{"os_type", "solaris"}}, "os_type", "one of linux, windows"},
      {{{"architecture", "pdp11"}}, "hw_architecture", "one of alpha"},
      {{{"img_config_drive", "always"}}, "img_config_drive", "one of optional, mandatory"},
      {{{"kernel_id", "file:///etc/shadow"}}, "kernel_id", "the UUID of an image"},
      {{{"ramdisk_id", "http://169.254.169.254/"}}, "ramdisk_id", "the UUID of an image"},
      {{{"root_device_name", "../vda"}}, "root_device_name", "a device name like '/dev/vda'"},
      {{{"mappings", R"([{"virtual": "root", "device": "a b"}])"}}, "mappings", "a device name"},
      {{{"mappings", "vda"}}, "mappings", "a list of objects in JSON"},
      {{{"mappings", deep}}, "mappings", "a list of objects in JSON"},
      {{{"block_device_mapping", deep}}, "block_device_mapping", "a list of objects in JSON"},
      {{{"block_device_mapping", "{}"}}, "block_device_mapping", "a list of objects in JSON"}};
  for (const Row& row : rows) {
    CAPTURE(row.property);
    const Error error = test::error_of([&] { ImageProperties::parse(row.properties); }).value();
    CHECK(error.code() == ErrorCode::image_unacceptable);
    CHECK(field_of(error, "property") == row.property);
    CHECK_MESSAGE(error.message().find(row.told) != std::string::npos, error.message());
  }
}

TEST_CASE("a wrong value of a request is the request's fault") {
  const Error error = test::error_of([] {
                        ImageProperties::parse({{"hw_disk_bus", "x"}}, ErrorCode::invalid_request);
                      }).value();
  CHECK(error.code() == ErrorCode::invalid_request);
}

TEST_CASE("what nobody knows is never read") {
  const auto image = ImageProperties::parse({{"hw_disk_bus2", "x"}, {"HW_DISK_BUS", "x"}, {"", "x"}});
  CHECK_FALSE(image.disk_bus);
  CHECK_FALSE(image.os_type);
}

TEST_CASE("kernel and ramdisk are images of the registry, none where the image says so") {
  const auto both = ImageProperties::parse({{"kernel_id", kUuid}, {"ramdisk_id", kUuid}});
  CHECK(both.kernel_id->text() == kUuid);
  CHECK(both.ramdisk_id->text() == kUuid);
  std::string capitals = kUuid;
  std::ranges::transform(capitals, capitals.begin(), [](unsigned char c) { return std::toupper(c); });
  CHECK(ImageProperties::parse({{"kernel_id", capitals}}).kernel_id->text() == kUuid);
  const auto none = ImageProperties::parse({{"kernel_id", "nokernel"}, {"ramdisk_id", "nonsense"}});
  CHECK(none.without_kernel);
  CHECK_FALSE(none.kernel_id);
  CHECK_FALSE(ImageProperties::parse({{"kernel_id", ""}}).kernel_id);
}

TEST_CASE("the root device is that of root_device_name, else of the mappings") {
  const std::string mappings = R"([{"virtual": "ami", "device": "sdz"}, {"virtual": "root", "device": "/dev/sda"}])";
  CHECK(ImageProperties::parse({{"mappings", mappings}}).root_device_name == "/dev/sda");
  CHECK(ImageProperties::parse({{"mappings", mappings}, {"root_device_name", "vdb"}}).root_device_name == "vdb");
  CHECK_FALSE(ImageProperties::parse({{"mappings", "[]"}}).root_device_name);
}
