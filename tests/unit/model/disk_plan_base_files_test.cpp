#include <doctest/doctest.h>

#include "tests/unit/model/disk_plan_rows.hpp"

using namespace basecache::model;
using namespace basecache::model::test;

TEST_CASE("the flavor's ephemeral disk is made unless something else stands on the next device") {
  check({
      {"default ephemeral disk, Linux", R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux"})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"default ephemeral disk, Windows", R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"windows"})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_68e98b8"},
      {"default ephemeral disk, system not known", R"({"flavor":{"root_gb":10,"ephemeral_gb":1}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_0706d66"},
      {"default ephemeral disk, a system we have no file system for",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"freebsd"})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_0706d66"},
      {"default_ephemeral_format goes before the system",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"windows"})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_66f137c",
       {ImagesType::qcow2, "ext3", false}},
      {"default_ephemeral_format goes for unknown systems, too",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c",
       {ImagesType::qcow2, "ext4", false}},
      {"default ephemeral disk of another size",
       R"({"flavor":{"ephemeral_gb":500},"os_type":"linux"})",
       "disk qcow2 own size image | disk.local qcow2 500 GiB ephemeral_500_310201b",
       {ImagesType::qcow2, "xfs", false}},
      {"a volume on another device leaves the default ephemeral disk alone",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"a volume where the default ephemeral disk would go replaces it",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"so does one named without /dev/",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"vdb"}]}})",
       "disk qcow2 10 GiB image"},
      {"swap where the default ephemeral disk would go replaces it",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"swap":{"device_name":"/dev/vdb","swap_size":64}}})",
       "disk qcow2 10 GiB image | disk.swap qcow2 64 MiB swap_64"},
      {"swap of no size replaces nothing",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"swap":{"device_name":"/dev/vdb","swap_size":0}}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"swap on another device replaces nothing",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"swap":{"device_name":"/dev/vdc","swap_size":64}}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.swap qcow2 64 MiB swap_64"},
  });
}

TEST_CASE("the ephemerals of the block devices are made as listed, each with its file system") {
  check({
      {"ephemerals of the request replace the default one",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":5},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"ephemerals need no ephemeral_gb in the flavor",
       R"({"flavor":{"root_gb":10},"os_type":"linux","block_device_info":{"ephemerals":[{"size":1,)"
       R"("device_name":"/dev/vdb"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"ephemerals are numbered as listed",
       R"({"flavor":{"root_gb":10},"os_type":"linux","block_device_info":{"ephemerals":[{"size":2,)"
       R"("device_name":"/dev/vdc"},{"size":1,"device_name":"/dev/vdb"},{"size":3}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 2 GiB ephemeral_2_40d1d2c | "
       "disk.eph1 qcow2 1 GiB ephemeral_1_da5bf63 | disk.eph2 qcow2 3 GiB ephemeral_3_d550467"},
      {"ephemerals without device names",
       R"({"flavor":{"root_gb":10},"os_type":"linux","block_device_info":{"ephemerals":[{"size":1},)"
       R"({"size":1}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | "
       "disk.eph1 qcow2 1 GiB ephemeral_1_da5bf63"},
      {"an ephemeral has the file system that it asks for",
       R"({"flavor":{"root_gb":10},"os_type":"linux","block_device_info":{"ephemerals":[{"size":1,)"
       R"("device_name":"/dev/vdb","guest_format":"xfs"},{"size":1,"device_name":"/dev/vdc",)"
       R"("guest_format":"vfat"},{"size":1,"device_name":"/dev/vdd"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_310201b | "
       "disk.eph1 qcow2 1 GiB ephemeral_1_6ad23e7 | disk.eph2 qcow2 1 GiB ephemeral_1_d550467"},
      {"guest_format goes before default_ephemeral_format",
       R"({"flavor":{"root_gb":10},"block_device_info":{"ephemerals":[{"size":1,"device_name":"/dev/vdb",)"
       R"("guest_format":"ntfs"},{"size":1,"device_name":"/dev/vdc"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_68e98b8 | "
       "disk.eph1 qcow2 1 GiB ephemeral_1_2a1d54f",
       {ImagesType::qcow2, "ext2", false}},
      {"an empty list of ephemerals is none",
       R"({"flavor":{"root_gb":10,"ephemeral_gb":1},"os_type":"linux",)"
       R"("block_device_info":{"ephemerals":[]}})",
       "disk qcow2 10 GiB image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
  });
}

TEST_CASE("an ephemeral disk may be formatted as swap, by name") {
  check({
      {"guest_format swap",
       R"({"flavor":{"root_gb":10},"block_device_info":{"ephemerals":[{"size":1,"guest_format":"swap"}]}})",
       "disk qcow2 10 GiB image | disk.eph0 qcow2 1 GiB ephemeral_1_f0a1dfd"},
  });
}

TEST_CASE("a base file has the label that its disk gets") {
  check({
      {"the first of the block devices and the flavor's share one",
       R"({"flavor":{"ephemeral_gb":1},"os_type":"linux"})",
       "disk qcow2 own size image | disk.local qcow2 1 GiB ephemeral_1_40d1d2c"},
      {"those behind the first have one each",
       R"({"os_type":"linux","block_device_info":{"ephemerals":[{"size":1},{"size":1},{"size":1}]}})",
       "disk qcow2 own size image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | disk.eph1 qcow2 1 GiB "
       "ephemeral_1_da5bf63 | "
       "disk.eph2 qcow2 1 GiB ephemeral_1_d550467"},
  });
  DiskPlan plan = plan_disks(spec_of(R"({"block_device_info":{"ephemerals":[{"size":1},{"size":1}]}})"), {});
  CHECK(std::get<EphemeralBase>(plan.disks.at(1).base).label() == "ephemeral0");
  CHECK(std::get<EphemeralBase>(plan.disks.at(2).base).label() == "ephemeral1");
}

TEST_CASE("the operator's command for the system formats ephemeral disks, whatever the request asks for") {
  const MkfsCommand labelled = MkfsCommand::parse("mkfs.ext4 -q -F -m 0 -L %(fs_label)s %(target)s").value();
  const MkfsCommand plain = MkfsCommand::parse("mkfs.xfs -q %(target)s").value();
  const PlanDefaults for_linux{.mkfs_commands = {{"linux", labelled}}};
  const PlanDefaults for_all{.default_ephemeral_format = "ext3", .mkfs_commands = {{"default", plain}}};
  const PlanDefaults not_linux{.mkfs_commands = {{"default", plain}, {"linux", std::nullopt}}};
  check({
      {"none for the system, whatever the default's",
       R"({"os_type":"linux","block_device_info":{"ephemerals":[{"size":1},{"size":1,"guest_format":"xfs"}]}})",
       "disk qcow2 own size image | disk.eph0 qcow2 1 GiB ephemeral_1_40d1d2c | disk.eph1 qcow2 1 GiB "
       "ephemeral_1_6936732",
       not_linux},
      {"of the system", R"({"flavor":{"ephemeral_gb":1},"os_type":"linux"})",
       "disk qcow2 own size image | disk.local qcow2 1 GiB ephemeral_1_42269bf", for_linux},
      {"of another system", R"({"flavor":{"ephemeral_gb":1},"os_type":"windows"})",
       "disk qcow2 own size image | disk.local qcow2 1 GiB ephemeral_1_68e98b8", for_linux},
      {"before guest_format",
       R"({"os_type":"linux","block_device_info":{"ephemerals":[{"size":1,"guest_format":"xfs"}]}})",
       "disk qcow2 own size image | disk.eph0 qcow2 1 GiB ephemeral_1_42269bf", for_linux},
      {"with a label it makes another base file for each",
       R"({"os_type":"linux","block_device_info":{"ephemerals":[{"size":1},{"size":1}]}})",
       "disk qcow2 own size image | disk.eph0 qcow2 1 GiB ephemeral_1_42269bf | disk.eph1 qcow2 1 GiB "
       "ephemeral_1_4e91cf4",
       for_linux},
      {"without one they are the same, and the default's goes before default_ephemeral_format",
       R"({"os_type":"linux","block_device_info":{"ephemerals":[{"size":1},{"size":1}]}})",
       "disk qcow2 own size image | disk.eph0 qcow2 1 GiB ephemeral_1_6f311ce | disk.eph1 qcow2 1 GiB "
       "ephemeral_1_6f311ce",
       for_all},
  });
}

TEST_CASE("kernel and ramdisk are files beside the disks, whatever the backend") {
  check({
      {"a kernel", R"({"flavor":{"root_gb":10},"kernel_id":"7a1f4d5e-1111-4222-8333-444455556666"})",
       "kernel raw own size kernel image as it comes | disk qcow2 10 GiB image"},
      {"a kernel and its ramdisk",
       R"({"kernel_id":"7a1f4d5e-1111-4222-8333-444455556666","ramdisk_id":"file:///boot/initrd.img"})",
       "kernel raw own size kernel image as it comes | ramdisk raw own size ramdisk image as it comes | "
       "disk qcow2 own size image"},
      {"a ramdisk without a kernel is of no use", R"({"ramdisk_id":"file:///boot/initrd.img"})",
       "disk qcow2 own size image"},
      {"empty is none, as Nova says it", R"({"kernel_id":"","ramdisk_id":""})", "disk qcow2 own size image"},
      {"of an instance booted from volume",
       R"({"image_ref":null,"kernel_id":"7a1f4d5e-1111-4222-8333-444455556666",)"
       R"("block_device_info":{"block_device_mapping":[{"mount_device":"/dev/vda"}]}})",
       "kernel raw own size kernel image as it comes"},
      {"of a rescue",
       R"({"suffix":".rescue","flavor":{"root_gb":10},"kernel_id":"7a1f4d5e-1111-4222-8333-444455556666",)"
       R"("ramdisk_id":"file:///boot/initrd.img"})",
       "kernel.rescue raw own size kernel image as it comes | "
       "ramdisk.rescue raw own size ramdisk image as it comes | disk.rescue qcow2 own size image"},
  });
}

TEST_CASE("an ephemeral disk's file system is the configured one, else the operating system's, else vfat") {
  CHECK(ephemeral_file_system("linux", "") == "ext4");
  CHECK(ephemeral_file_system("windows", "") == "ntfs");
  CHECK(ephemeral_file_system("", "") == "vfat");
  CHECK(ephemeral_file_system("Linux", "") == "vfat");
  CHECK(ephemeral_file_system("windows", "xfs") == "xfs");
}
