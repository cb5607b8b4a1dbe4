#include "agent/image/image_choices.hpp"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/disk_plan.hpp"
#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::image;
using model::VirtType;
using nlohmann::json;

namespace {

using Texts = std::map<std::string, std::string>;

const std::string kImages = "0d6b1d0c-7a53-44c5-8a3c-5b1f0e6b7a10";
const std::string kRequests = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1";

model::InstanceSpec spec_of(const json& more = json::object()) {
  json request = {{"uuid", "9a2d629d-0000-4000-8000-000000000001"}, {"image_ref", kImages}};
  request.update(more);
  return model::InstanceSpec::make(request);
}

model::InstanceSpec completed(const Texts& properties, const json& request = json::object()) {
  return with_image(spec_of(request), ImageProperties::parse(properties));
}

// "disk vda | disk.swap vdb | config hda"
std::string devices(const Texts& properties, const json& request = json::object()) {
  const auto image = ImageProperties::parse(properties);
  const model::DiskPlan plan =
      model::plan_disks(with_image(spec_of(request), image), {}, buses_of(image, VirtType::kvm));
  std::string text;
  for (const model::DiskSpec& disk : plan.disks) text += disk.name + " " + disk.device + " ";
  return text + (plan.config_drive ? "config " + plan.config_drive_device : "");
}

std::string bus_text(const std::optional<model::DiskBus>& bus) { return bus ? std::string(name_of(*bus)) : "open"; }

}  // namespace

TEST_CASE("the image counts where the request says nothing") {
  const Texts image{
      {"kernel_id", kImages}, {"ramdisk_id", kImages}, {"os_type", "Windows"}, {"root_device_name", "sda"}};
  const auto spec = completed(image);
  CHECK(spec.kernel_id->text() == kImages);
  CHECK(spec.ramdisk_id->text() == kImages);
  CHECK(spec.os_type == "windows");
  CHECK(spec.block_device_info.root_device_name == "sda");

  const auto own = completed(image, {{"kernel_id", kRequests},
                                     {"ramdisk_id", kRequests},
                                     {"os_type", "linux"},
                                     {"block_device_info", {{"root_device_name", "/dev/vdb"}}}});
  CHECK(own.kernel_id->text() == kRequests);
  CHECK(own.ramdisk_id->text() == kRequests);
  CHECK(own.os_type == "linux");
  CHECK(own.block_device_info.root_device_name == "/dev/vdb");
}

TEST_CASE("a request may want no kernel though the image names one") {
  const auto spec = completed({{"kernel_id", kImages}, {"ramdisk_id", kImages}}, {{"kernel_id", "nokernel"}});
  CHECK_FALSE(spec.kernel_id);
  CHECK_FALSE(spec.ramdisk_id);
}

TEST_CASE("only where no kernel results is there no ramdisk") {
  const Texts image{{"kernel_id", "nokernel"}, {"ramdisk_id", kImages}};
  CHECK_FALSE(completed(image).ramdisk_id);
  CHECK_FALSE(completed(image, {{"ramdisk_id", kImages}}).ramdisk_id);
  CHECK(completed(image, {{"kernel_id", kImages}}).ramdisk_id);
}

TEST_CASE("a config drive is made when the request or the image wants one") {
  CHECK_FALSE(wants_config_drive(false, ConfigDrivePolicy::optional));
  CHECK(wants_config_drive(true, ConfigDrivePolicy::optional));
  CHECK(wants_config_drive(false, ConfigDrivePolicy::mandatory));
  CHECK(completed({{"img_config_drive", "mandatory"}}).config_drive);
}

TEST_CASE("the image's buses name the devices as Nova's blockinfo does") {
  const json all = {{"flavor", {{"ephemeral_gb", 1}, {"swap", 8}}}, {"config_drive", true}};
  struct Row {
    Texts properties;
    std::string expected;
  };
  const std::vector<Row> rows{
      {{}, "disk vda disk.local vdb disk.swap vdc config hda"},
      {{{"hw_disk_bus", "virtio"}}, "disk vda disk.local vdb disk.swap vdc config hda"},
      {{{"hw_disk_bus", "scsi"}}, "disk sda disk.local sdb disk.swap sdc config hda"},
      {{{"hw_disk_bus", "sata"}}, "disk sda disk.local sdb disk.swap sdc config hda"},
      {{{"hw_disk_bus", "usb"}}, "disk sda disk.local sdb disk.swap sdc config hda"},
      {{{"hw_disk_bus", "ide"}}, "disk hda disk.local hdb disk.swap hdc config hdd"},
      {{{"hw_cdrom_bus", "sata"}}, "disk vda disk.local vdb disk.swap vdc config sda"},
      {{{"hw_disk_bus", "scsi"}, {"hw_cdrom_bus", "scsi"}}, "disk sda disk.local sdb disk.swap sdc config sdd"},
      {{{"hw_machine_type", "pc-q35-7.2"}}, "disk vda disk.local vdb disk.swap vdc config sda"},
      {{{"hw_machine_type", "pc-q35-7.2"}, {"hw_cdrom_bus", "virtio"}},
       "disk vda disk.local vdb disk.swap vdc config vdd"},
      {{{"architecture", "aarch64"}}, "disk vda disk.local vdb disk.swap vdc config sda"},
      {{{"vmware_adaptertype", "lsiLogic"}}, "disk sda disk.local sdb disk.swap sdc config hda"},
      {{{"hw_disk_bus", "scsi"}, {"root_device_name", "/dev/vda"}}, "disk vda disk.local sda disk.swap sdb config hda"},
  };
  for (const Row& row : rows) {
    CAPTURE(json(row.properties).dump());
    CHECK(devices(row.properties, all) == row.expected);
  }
}

TEST_CASE("an image's root device doesn't tell the bus of its disks") {
  CHECK(devices({{"root_device_name", "/dev/sda"}}, {{"flavor", {{"swap", 8}}}}) == "disk sda disk.swap vda ");
}

TEST_CASE("a rescue stands on the bus of its image") {
  CHECK(devices({{"hw_disk_bus", "scsi"}},
                {{"suffix", ".rescue"}, {"block_device_info", {{"root_device_name", "/dev/vda"}}}}) ==
        "disk.rescue sda ");
  CHECK(devices({{"hw_disk_bus", "sata"}}, {{"suffix", ".rescue"}, {"config_drive", true}}) ==
        "disk.rescue sda config hda");
}

TEST_CASE("a bus that the hypervisor hasn't is refused") {
  const auto on = [](const std::string& bus, VirtType virt_type) {
    return bus_text(buses_of(ImageProperties::parse({{"hw_disk_bus", bus}}), virt_type).disk);
  };
  CHECK(on("scsi", VirtType::parallels) == "scsi");
  CHECK(on("lxc", VirtType::lxc) == "lxc");
  const Error error = test::error_of([&] { on("xen", VirtType::kvm); }).value();
  CHECK(error.code() == ErrorCode::image_unacceptable);
  CHECK_MESSAGE(error.message().find("virtio, scsi, ide, usb, fdc, sata with virt_type kvm") != std::string::npos,
                error.message());
  CHECK_THROWS_AS(on("virtio", VirtType::lxc), Error);
  CHECK_THROWS_AS(on("sata", VirtType::parallels), Error);
}

TEST_CASE("an image's minima are held against the flavor") {
  struct Row {
    std::uint64_t min_ram, min_disk, memory_mb, root_gb;
    bool has_root_disk;
    const char* refused;  // "": it fits
  };
  const std::vector<Row> rows{{0, 0, 512, 0, true, ""},
                              {512, 10, 512, 10, true, ""},
                              {513, 10, 512, 10, true, "flavor.memory_mb"},
                              {512, 11, 512, 10, true, "flavor.root_gb"},
                              {0, 11, 512, 0, true, ""},
                              {0, 11, 512, 10, false, ""},
                              {1024, 0, 512, 0, false, "flavor.memory_mb"},
                              {1024, 20, 2048, 40, true, ""}};
  for (const Row& row : rows) {
    const model::ImageMeta meta{.name = "debian", .min_disk = row.min_disk, .min_ram = row.min_ram};
    model::Flavor flavor;
    flavor.memory_mb = row.memory_mb;
    flavor.root_gb = row.root_gb;
    std::string refused;
    try {
      require_room(meta, flavor, row.has_root_disk);
    } catch (const Error& error) {
      refused = error.fields().at(0).second;
      CHECK(error.code() == (refused == "flavor.root_gb" ? ErrorCode::disk_too_small : ErrorCode::invalid_request));
    }
    CAPTURE(row.min_ram);
    CAPTURE(row.min_disk);
    CHECK(refused == row.refused);
  }
  CHECK_NOTHROW(require_room({}, {}, true));
}
