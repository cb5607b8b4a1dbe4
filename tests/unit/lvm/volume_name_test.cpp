#include "backends/lvm/volume_name.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

const std::string kInstance = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

}  // namespace

TEST_CASE("a volume is named by its instance and its disk, whose underscores are doubled") {
  CHECK(volume_name({kInstance, "disk", false}) == kInstance + "_disk");
  CHECK(volume_name({kInstance, "disk.eph0", false}) == kInstance + "_disk.eph0");
  CHECK(volume_name({kInstance, "disk_a__b", false}) == kInstance + "_disk__a____b");
  CHECK(volume_name({kInstance, "disk.swap", true}) == kInstance + "_disk.swap.staged");
}

TEST_CASE("a volume's name tells whose it is") {
  for (const char* disk : {"disk", "disk.eph0", "a_b", "_", "__x_"}) {
    for (const bool is_staged : {false, true}) {
      CAPTURE(disk);
      const InstanceVolume volume{kInstance, disk, is_staged};
      CHECK(parse_volume_name(volume_name(volume)) == volume);
    }
  }
}

TEST_CASE("names that are no instance's are nobody's") {
  const std::string upper = "4E3F6D0C-5d3a-4b0e-9a53-2f6d1c7b8a90_disk";
  for (const std::string& name : {std::string(), std::string("lvol0"), kInstance, kInstance + "_", kInstance + "-disk",
                                  kInstance + "_a_b", "x" + kInstance + "_disk", upper}) {
    CAPTURE(name);
    CHECK_FALSE(parse_volume_name(name));
  }
}

TEST_CASE("nothing of a caller's gets into a name that isn't one") {
  for (const char* disk :
       {"", "-rf", "a b", "a/b", "..", "disk;reboot", "disk\n", "$(id)", "disk@snap", "d\xc3\xa4sk", "x.staged"}) {
    CAPTURE(disk);
    CHECK(code_of([&] { volume_name({kInstance, disk, false}); }) == ErrorCode::invalid_request);
  }
  for (const char* instance : {"", "..", "4e3f6d0c", "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90/x"}) {
    CAPTURE(instance);
    CHECK(code_of([&] { volume_name({instance, "disk", false}); }) == ErrorCode::invalid_request);
  }
}

TEST_CASE("a volume group is named as LVM allows") {
  for (const char* name : {"vg", "nova-volumes", "a+b_c.d", "0"}) CHECK_NOTHROW(check_group_name(name, "option"));
  for (const std::string& name : {std::string(), std::string("-vg"), std::string("."), std::string(".."),
                                  std::string("a/b"), std::string("a b"), std::string(128, 'v')}) {
    CAPTURE(name);
    const auto error = error_of([&] { check_group_name(name, "[libvirt] images_volume_group"); });
    CHECK(says(error, "[libvirt] images_volume_group"));
  }
}

TEST_CASE("a volume isn't named as LVM's own are") {
  for (const char* name : {"snapshot", "snapshot1", "pvmove0", ".", "..", "x_tdata", "lvol0_vorigin", "a_mlog_b"}) {
    CAPTURE(name);
    CHECK(code_of([&] { check_volume_name("vg", name); }) == ErrorCode::invalid_request);
  }
}

TEST_CASE("a volume's name and its group's fit into one of device-mapper's") {
  const std::string volume = kInstance + "_disk.staged";  // 48 bytes and 4 dashes to be doubled
  CHECK_NOTHROW(check_volume_name(std::string(60, 'g'), volume));
  CHECK(code_of([&] { check_volume_name(std::string(62, 'g'), volume); }) == ErrorCode::invalid_request);
  CHECK(code_of([&] { check_volume_name(std::string(31, '-'), volume); }) == ErrorCode::invalid_request);
}
