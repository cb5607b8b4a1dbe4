#include "agent/model/disk_plan.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "agent/base/error.hpp"
#include "tests/unit/model/disk_plan_rows.hpp"

using namespace basecache;
using namespace basecache::model;
using namespace basecache::model::test;
using nlohmann::json;

TEST_CASE("the root disk comes from the image, as large as the flavor has it") {
  check({
      {"nothing but an image", "{}", "disk qcow2 own size image"},
      {"root_gb 0 leaves the image its own size", R"({"flavor":{}})", "disk qcow2 own size image"},
      {"root_gb sizes the root disk", R"({"flavor":{"root_gb":10}})", "disk qcow2 10 GiB image"},
      {"the largest root_gb", R"({"flavor":{"root_gb":524288}})", "disk qcow2 512 TiB image"},
      {"images_type raw as configured",
       R"({"flavor":{"root_gb":10}})",
       "disk raw 10 GiB image",
       {ImagesType::raw, "", false}},
      {"images_type of the request goes before the configured one", R"({"flavor":{"root_gb":10},"images_type":"raw"})",
       "disk raw 10 GiB image"},
      {"images_type goes for every disk",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":64},"os_type":"linux","images_type":"raw"})",
       "disk raw 10 GiB image | disk.local raw 1 GiB ephemeral_1_40d1d2c | disk.swap raw 64 MiB swap_64"},
      {"flat is another word for raw", R"({"images_type":"flat"})", "disk raw own size image"},
  });
}

TEST_CASE("disks on LVM are all volumes but those that the host reads") {
  check({{"kernel and root disk", R"({"images_type":"lvm","kernel_id":"7a1f4d5e-1111-4222-8333-444455556666"})",
          "kernel raw own size kernel image as it comes | disk lvm own size image"}});
}

TEST_CASE("nobody gets a plain disk who wanted, or must have, an encrypted one") {
  const std::string key = "7a1f4d5e-1111-4222-8333-444455556666";
  const PlanDefaults encrypting{.encrypts_volumes = true};
  const auto spec = spec_of(R"({"kernel_id":"7a1f4d5e-1111-4222-8333-444455556666"})");
  const std::vector<DiskSpec> disks = plan_disks(spec, {}).disks;
  const DiskSpec& kernel = disks.at(0);
  DiskSpec disk = disks.at(1);
  CHECK_NOTHROW(require_key(kernel, key, encrypting));  // who starts the guest reads it
  CHECK_NOTHROW(require_key(disk, "", encrypting));
  CHECK_THROWS_AS(require_key(disk, key, encrypting), Error);
  disk.images_type = ImagesType::lvm;
  CHECK_NOTHROW(require_key(disk, key, encrypting));
  CHECK_NOTHROW(require_key(disk, "", {}));
  CHECK_THROWS_AS(require_key(disk, "", encrypting), Error);
  CHECK_THROWS_AS(require_key(disk, key, {}), Error);
}

TEST_CASE("swap comes from the block devices, else from the flavor") {
  check({
      {"swap of the flavor", R"({"flavor":{"root_gb":10,"swap":256}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 256 MiB swap_256"},
      {"no swap for 0 MiB", R"({"flavor":{"root_gb":10}})", "disk qcow2 10 GiB image"},
      {"swap of the block devices",
       R"({"flavor":{"root_gb":10},"block_device_info":{"swap":{"device_name":"/dev/vdb",)"
       R"("swap_size":512}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 512 MiB swap_512"},
      {"swap of the block devices goes before the flavor",
       R"({"flavor":{"root_gb":10,"swap":256},"block_device_info":{"swap":{"device_name":"/dev/vdb",)"
       R"("swap_size":512}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 512 MiB swap_512"},
      {"swap_size 0 leaves it to the flavor",
       R"({"flavor":{"root_gb":10,"swap":256},"block_device_info":{"swap":{"device_name":"/dev/vdb",)"
       R"("swap_size":0}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 256 MiB swap_256"},
      {"swap_size missing leaves it to the flavor",
       R"({"flavor":{"root_gb":10,"swap":256},"block_device_info":{"swap":{"device_name":"/dev/vdb"}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 256 MiB swap_256"},
      {"swap_size 0 and no swap in the flavor",
       R"({"flavor":{"root_gb":10},"block_device_info":{"swap":{"device_name":"/dev/vdb","swap_size":0}}})",
       "disk qcow2 10 GiB image"},
      {"swap without a device name gets the next one",
       R"({"flavor":{"root_gb":10},"block_device_info":{"swap":{"swap_size":512}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 512 MiB swap_512"},
      {"swap without a device name goes before the flavor",
       R"({"flavor":{"root_gb":10,"swap":256},"block_device_info":{"swap":{"swap_size":512}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 512 MiB swap_512"},
      {"a volume beyond the device of the swap",
       R"({"flavor":{"root_gb":10,"swap":256},)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 256 MiB swap_256"},
      {"ephemerals take names before the swap",
       R"({"flavor":{"root_gb":10,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.swap qcow2 256 MiB swap_256"},
      {"an ephemeral further on leaves the next name to the swap",
       R"({"flavor":{"root_gb":10,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.swap qcow2 256 MiB swap_256"},
      {"an unnamed ephemeral passes over the volume's name",
       R"({"flavor":{"root_gb":10,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[{"size":1}],)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.swap qcow2 256 MiB swap_256"},
  });
}

// Here we are stricter than Nova, whose own check can never hold: it skips the names of all volumes when it looks for
// the next device, and so always makes the disk.
TEST_CASE("swap of the flavor is given up where a volume stands on the next device") {
  check({
      {"a volume where the swap of the flavor would go",
       R"({"flavor":{"root_gb":10,"swap":256},)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"a volume where swap would go behind the default ephemeral disk",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"a volume where both would go: neither default disk nor swap",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"an unnamed ephemeral, and a volume behind it",
       R"({"flavor":{"root_gb":10,"swap":256},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[{"size":1}],)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c"},
  });
}

TEST_CASE("no root disk is made for an instance booted from volume") {
  check({
      {"booted from volume",
       R"({"image_ref":null,"flavor":{"root_gb":10},"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       ""},
      {"booted from volume, root device not named",
       R"({"image_ref":null,"flavor":{"root_gb":10},)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       ""},
      {"booted from volume although an image is named",
       R"({"flavor":{"root_gb":10},"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       ""},
      {"booted from volume with ephemeral disk and swap",
       R"({"image_ref":null,"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":64},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       "disk.local qcow2 1 GiB ephemeral_1_40d1d2c | disk.swap qcow2 64 MiB swap_64"},
      {"booted from the volume of boot_index 0, wherever it stands",
       R"({"image_ref":null,"flavor":{"root_gb":10,"swap":64},)"
       R"("block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdc","boot_index":-1},)"
       R"({"mount_device":"/dev/sda","boot_index":0}]}})",
       "disk.swap qcow2 64 MiB swap_64"},
      {"a volume of another boot_index is none to boot from",
       R"({"flavor":{"root_gb":10},"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdb","boot_index":1},)"
       R"({"mount_device":"/dev/vdc","boot_index":null}]}})",
       "disk qcow2 10 GiB image"},
      {"a volume that is not the root device",
       R"({"flavor":{"root_gb":10},"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image"},
  });
}

TEST_CASE("device names follow the root device's") {
  check({
      {"SCSI names: a volume at sdb",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/sda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/sdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"SCSI names: a volume at vdb is elsewhere",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/sda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"IDE names, without /dev/",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"hda","block_device_mapping":[{"mount_device":"hdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"booted from a SCSI volume",
       R"({"image_ref":null,"flavor":{"root_gb":10,"swap":64},)"
       R"("block_device_info":{"root_device_name":"/dev/sda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/sda"}]}})",
       "disk.swap qcow2 64 MiB swap_64"},
      {"the root device is not the first one",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":64},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/vdb"}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.swap qcow2 64 MiB swap_64"},
      {"the root device is not the first one, a volume is",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/vdb",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       "disk qcow2 10 GiB image"},
  });
}

TEST_CASE("a rescue makes a root disk beside the instance's own disks") {
  check({
      {"rescue makes the root disk only, at the image's own size",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1,"swap":64},"os_type":"linux","suffix":".rescue"})",
       "disk.rescue qcow2 own size image"},
      {"rescue of an instance booted from volume",
       R"({"flavor":{"root_gb":10},"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]},"suffix":".rescue"})",
       "disk.rescue qcow2 own size image"},
      {"rescue leaves ephemerals and swap of the block devices alone",
       R"({"block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdb"}],)"
       R"("swap":{"device_name":"/dev/vdc","swap_size":64}},"suffix":".rescue"})",
       "disk.rescue qcow2 own size image"},
      {"rescue with a config drive", R"({"suffix":".rescue","config_drive":true})",
       "disk.rescue qcow2 own size image | config disk.config.rescue"},
  });
}

TEST_CASE("a config drive is made when it is asked for or forced") {
  check({
      {"config drive asked for", R"({"config_drive":true})", "disk qcow2 own size image | config disk.config"},
      {"config drive not asked for", R"({"config_drive":false})", "disk qcow2 own size image"},
      {"config drive forced", "{}", "disk qcow2 own size image | config disk.config", {ImagesType::qcow2, "", true}},
      {"config drive forced, whatever the request says",
       R"({"config_drive":false})",
       "disk qcow2 own size image | config disk.config",
       {ImagesType::qcow2, "", true}},
      {"config drive of an instance booted from volume",
       R"({"image_ref":null,"block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]},"config_drive":true})",
       "config disk.config"},
      {"all of it",
       R"({"flavor":{"root_gb":20,"swap":64},"os_type":"linux",)"
       R"("block_device_info":{"root_device_name":"/dev/vda","ephemerals":[{"size":1,)"
       R"("device_name":"/dev/vdb"},{"size":2,"device_name":"/dev/vdc","guest_format":"xfs"}],)"
       R"("swap":{"device_name":"/dev/vdd","swap_size":512},)"
       R"("block_device_mapping":[{"mount_device":"/dev/vde"}]},"config_drive":true})",
       "disk qcow2 20 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.eph1 qcow2 2 GiB ephemeral_2_6936732 | disk.swap qcow2 512 MiB swap_512 | config disk.config"},
  });
}

TEST_CASE("a config drive is made anew only where one is wanted") {
  CHECK_THROWS_AS(plan_disks(spec_of(R"({"refresh_config_drive":true})"), {}), Error);
  CHECK_THROWS_AS(plan_disks(spec_of(R"({"refresh_config_drive":true,"config_drive":false})"), {}), Error);
  CHECK(plan_disks(spec_of(R"({"refresh_config_drive":true,"config_drive":true})"), {}).config_drive == "disk.config");
  PlanDefaults forced;
  forced.force_config_drive = true;
  CHECK(plan_disks(spec_of(R"({"refresh_config_drive":true})"), forced).config_drive == "disk.config");
}

TEST_CASE("a config drive of exactly 64 MiB is vfat, and every other iso9660") {
  CHECK(drive_format_of(mebibytes(64)) == DriveFormat::vfat);
  for (const Bytes size : {Bytes{0}, kibibytes(364), Bytes{mebibytes(64).count - 1}, Bytes{mebibytes(64).count + 1}}) {
    CHECK(drive_format_of(size) == DriveFormat::iso9660);
  }
  for (const DriveFormat format : {DriveFormat::iso9660, DriveFormat::vfat}) {
    CHECK(drive_format_from(name_of(format)) == format);
  }
  CHECK_FALSE(drive_format_from("fat"));
}

TEST_CASE("an instance that has neither an image nor a root volume is refused") {
  const std::pair<const char*, const char*> rows[] = {
      {"no volume at all", R"({"image_ref":null})"},
      {"the volume is elsewhere", R"({"image_ref":null,"block_device_info":{"root_device_name":"/dev/vda",)"
                                  R"("block_device_mapping":[{"mount_device":"/dev/vdb"}]}})"},
      {"a rescue, which boots no volume",
       R"({"image_ref":null,"suffix":".rescue","block_device_info":{"root_device_name":"/dev/vda",)"
       R"("block_device_mapping":[{"mount_device":"/dev/vda"}]}})"},
  };
  for (const auto& row : rows) {
    const auto& what = row.first;
    const auto& request = row.second;
    CAPTURE(what);
    try {
      plan_disks(spec_of(request), {});
      FAIL("was planned");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
      CHECK(error.message() == "image_ref is missing, and no volume is the root device");
      CHECK(error.fields().at(0) == std::pair<std::string, std::string>{"field", "image_ref"});
      CHECK_FALSE(error.hint().empty());
    }
  }
}

TEST_CASE("the checksum of a request belongs to the root disk's base file") {
  const DiskPlan plan = plan_disks(spec_of(R"({"checksum":"md5:d41d8cd98f00b204e9800998ecf8427e"})"), {});
  CHECK(std::get<ImageBase>(plan.disks.at(0).base).checksum->text() == "md5:d41d8cd98f00b204e9800998ecf8427e");
}

TEST_CASE("device names go on after the letter z") {
  json request = {{"flavor", {{"swap", 64}}}};
  json& devices = request["block_device_info"];
  for (int i = 0; i < 25; ++i) devices["ephemerals"].push_back({{"size", 1}});  // vdb to vdz
  devices["block_device_mapping"] = json::array({{{"mount_device", "/dev/vdaa"}}});
  CHECK(plan_disks(spec_of(request.dump().c_str()), {}).disks.back().name == "disk.eph24");
  devices["block_device_mapping"][0]["mount_device"] = "/dev/vdab";
  CHECK(plan_disks(spec_of(request.dump().c_str()), {}).disks.back().name == "disk.swap");
}
