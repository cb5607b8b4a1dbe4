#include "backends/lvm/lvm_volumes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/lvm/stand_in.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;
using provision::DiskVolume;

namespace {

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";
const std::string kKey = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";
const std::string kDisk = kUuid + "_disk";
constexpr Bytes kSize = mebibytes(4);

struct Row {
  std::string name;
  std::string attributes = "-wi-a-----";
  std::string tags = "";
};

// A file stands for the device of every volume.
struct Node {
  explicit Node(ClearMethod clear = ClearMethod::zero) : method(clear) {
    write_file(device, std::string(kSize.count, 'x'));
    has({});
    lvm.says("vgs", {.output = R"({"report":[{"vg":[{"vg_free":"1073741824","vg_extent_size":"4194304"}]}]})"});
  }

  void has(const std::vector<Row>& rows) {
    std::string report;
    for (const Row& row : rows) {
      report +=
          fmt::format(R"({}{{"lv_name":"{}","lv_path":"{}","lv_attr":"{}","lv_size":"{}","origin":"","origin_size":"",)"
                      R"("data_percent":"","lv_tags":"{}"}})",
                      report.empty() ? "" : ",", row.name, device.native(), row.attributes, kSize.count, row.tags);
    }
    lvm.says("lvs", {.output = R"({"report":[{"lv":[)" + report + "]}]}"});
  }

  provision::DiskPlace place(const std::string& key = "") const {
    return volumes.place({model::InstanceId::parse(kUuid, "uuid"), key}, "disk");
  }
  DiskVolume disk(bool is_staged) const {
    return {.instance = kUuid, .disk = "disk", .path = device, .size = kSize, .is_staged = is_staged};
  }
  std::string content() const { return read_file(device); }

  ScratchDir dir;
  Path device = dir / "device";
  StandIn lvm{"lvm"};
  ClearMethod method;
  LvmVolumes volumes{{.group = GroupSettings{.name = "vg"},
                      .clear = {.method = method},
                      .crypt = {.key_directory = dir.path(), .encryption = {}}}};
  OpContext op = test_operation();
};

const auto kUntold = [](Bytes) {};
const std::string kRemoved = fmt::format("lvremove --yes --force vg/{}.staged", kDisk);

}  // namespace

TEST_CASE("a disk's volume is called as Nova calls it, and an encrypted one's device is its plain text") {
  Node node;
  CHECK(node.place().staged == "/dev/vg/" + kDisk + ".staged");
  CHECK(node.place().path == "/dev/vg/" + kDisk);
  CHECK(node.place(kKey).path == "/dev/mapper/" + kDisk + "-dmcrypt");
  CHECK(node.place(kKey).key_id == kKey);
}

TEST_CASE("a node without a volume group has no volumes and can't make any") {
  LvmVolumes none({});
  CHECK(none.volumes(test_operation()).empty());
  const auto error = error_of([&] { (void)none.place({model::InstanceId::parse(kUuid, "uuid")}, "disk"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_request);
  CHECK(error->hint().find("images_volume_group") != std::string::npos);
}

TEST_CASE("the instances' volumes are told from the others of the group") {
  Node node;
  node.has({{"root"}, {kDisk}, {kUuid + "_disk.swap.staged"}, {kUuid}, {"pool", "twi-a-tz--"}});
  const auto found = node.volumes.volumes(node.op);
  REQUIRE(found.size() == 2);
  CHECK(found[0].instance == kUuid);
  CHECK(found[0].disk == "disk");
  CHECK(found[0].size == kSize);
  CHECK(found[0].io == provision::DiskIo::native);
  CHECK_FALSE(found[0].is_staged);
  CHECK(found[1].disk == "disk.swap");
  CHECK(found[1].is_staged);
}

TEST_CASE("a disk that a guest has open is told, unlike what is only being made") {
  Node node;
  node.has({{kDisk, "-wi-ao----"}, {kUuid + "_disk.swap"}, {kUuid + "_disk.local.staged", "-wi-ao----"}});
  const auto found = node.volumes.volumes(node.op);
  REQUIRE(found.size() == 3);
  CHECK(found[0].is_open);
  CHECK_FALSE(found[1].is_open);
  CHECK_FALSE(found[2].is_open);
}

TEST_CASE("a volume is out of sight before it is wiped, and wiped before its space is free") {
  Node node;
  node.has({{kDisk}, {kDisk + ".staged"}});  // as it is after the renaming
  node.volumes.remove(node.disk(false), node.op);
  CHECK(node.content() == std::string(kSize.count, '\0'));
  CHECK(node.lvm.calls_of("lvrename") ==
        std::vector<std::string>{"lvrename --yes vg " + kDisk + " " + kDisk + ".staged"});
  CHECK(node.lvm.calls().back() == kRemoved);
}

TEST_CASE("what is staged is wiped too: an image is somebody's, and a guest may have had it before a removal") {
  Node node;
  node.has({{kDisk + ".staged"}});
  node.volumes.remove(node.disk(true), node.op);
  CHECK(node.content() == std::string(kSize.count, '\0'));
  CHECK(node.lvm.calls().back() == kRemoved);
}

TEST_CASE("nothing is wiped where that is configured") {
  Node node(ClearMethod::none);
  node.has({{kDisk + ".staged"}});
  node.volumes.remove(node.disk(true), node.op);
  CHECK(node.content() == std::string(kSize.count, 'x'));
  CHECK(node.lvm.calls().back() == kRemoved);
}

TEST_CASE("a guest that was started while its volume was removed keeps it") {
  Node node;
  node.has({{kDisk}, {kDisk + ".staged", "-wi-ao----"}});
  CHECK(code_of([&] { node.volumes.remove(node.disk(false), node.op); }) == ErrorCode::in_use);
  CHECK(node.content() == std::string(kSize.count, 'x'));
}

TEST_CASE("a volume that the host didn't activate is, before it is used") {
  Node node;
  remove_file(node.device);
  node.has({{kDisk, "-wi-------"}});
  (void)node.volumes.size_of(node.place(), node.op);
  CHECK(node.lvm.calls_of("lvchange") ==
        std::vector<std::string>{"lvchange --yes --activate y --ignoreactivationskip vg/" + kDisk});
}

TEST_CASE("a volume that grows is the instance's, under its own name") {
  Node node;
  node.has({{kDisk + ".growing"}});
  const auto found = node.volumes.volumes(node.op);
  REQUIRE(found.size() == 1);
  CHECK(found[0].disk == "disk");
  CHECK_FALSE(found[0].is_staged);
  CHECK(node.volumes.size_of(node.place(), node.op) == kSize);
}

TEST_CASE("a group that isn't there has no volumes, but where disks are on LVM") {
  for (const bool is_required : {false, true}) {
    StandIn lvm("lvm");
    lvm.says("lvs", {.errors = "  Cannot process volume group vg\n", .status = 5});
    LvmVolumes volumes({.group = GroupSettings{.name = "vg"}, .is_required = is_required});
    std::vector<DiskVolume> found;
    const auto code = code_of([&] { found = volumes.volumes(test_operation()); });
    CHECK(found.empty());
    CHECK(code == (is_required ? std::optional(ErrorCode::storage_unusable) : std::nullopt));
  }
}

TEST_CASE("LVM that fails says nothing of what there is") {
  StandIn lvm("lvm");
  lvm.says("lvs", {.errors = "  Something broke\n", .status = 5});
  LvmVolumes volumes({.group = GroupSettings{.name = "vg"}});
  CHECK(code_of([&] { (void)volumes.volumes(test_operation()); }) == ErrorCode::tool_failed);
}

TEST_CASE("a broken volume, which nobody can write to, is removed as it is") {
  Node node;
  node.has({{kDisk, "swi-I-s---"}, {kDisk + ".staged", "swi-I-s---"}});
  node.volumes.remove(node.disk(false), node.op);
  CHECK(node.content() == std::string(kSize.count, 'x'));
  CHECK(node.lvm.calls().back() == kRemoved);
}

TEST_CASE("nothing is done to a volume that a guest has open") {
  Node node;
  node.has({{kDisk, "-wi-ao----"}});
  const auto error = error_of([&] { node.volumes.remove(node.disk(false), node.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::in_use);
  CHECK(node.content() == std::string(kSize.count, 'x'));
  CHECK(node.lvm.calls_of("lvrename").empty());
  CHECK(node.lvm.calls_of("lvremove").empty());
}

TEST_CASE("an absent volume is removed already") {
  Node node;
  node.volumes.remove(node.disk(false), node.op);
  CHECK(node.lvm.calls_of("lvremove").empty());
}

TEST_CASE("a volume says what it is encrypted with, and isn't taken for anything else") {
  struct Case {
    std::string tags;
    std::string asked;
    bool is_taken;
  };
  const std::vector<Case> cases{
      {"basecache.key=none", "", true},
      {"basecache.key=none", kKey, false},
      {"basecache.key=" + kKey, "", false},
      {"basecache.key=" + kUuid + "/aes-xts-plain64/512", kKey, false},
      {"basecache.key=" + kKey + "/aes-xts-plain64/256", kKey, false},
      {"basecache.key=" + kKey + "/aes-xts-plain64/512", kKey, true},
      {"", kKey, true},  // Nova's
      {"other", "", true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.tags);
    CAPTURE(one.asked);
    Node node;
    node.has({{kDisk, "-wi-a-----", one.tags}});
    if (one.is_taken) {
      CHECK(node.volumes.size_of(node.place(one.asked), node.op) == kSize);
    } else {
      const auto error = error_of([&] { (void)node.volumes.size_of(node.place(one.asked), node.op); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::invalid_request);
    }
  }
}

TEST_CASE("a new volume is tagged with what it is encrypted with") {
  Node node;
  node.has({{kDisk + ".staged"}});
  const OpenVolume made = node.volumes.create(node.place(), kSize, kSize, node.op);
  CHECK(made.device == node.device);
  CHECK(made.unwritten == Unwritten::unknown);
  CHECK(made.io == provision::DiskIo::native);
  CHECK(node.lvm.calls_of("lvcreate").at(0).ends_with("--addtag basecache.key=none"));
}

TEST_CASE("a volume has a mark from before it grows until its file system has") {
  Node node;
  node.has({{kDisk}});
  CHECK_FALSE(node.volumes.grow(node.place(), kSize, kUntold, node.op).has_grown);
  CHECK(node.lvm.calls_of("lvchange").empty());
  node.has({{kDisk}, {kDisk + ".growing"}});
  CHECK(node.volumes.grow(node.place(), mebibytes(8), kUntold, node.op).has_grown);
  CHECK(node.lvm.calls_of("lvchange").at(0) == "lvchange --yes --addtag basecache.growing vg/" + kDisk);
  node.volumes.end_growth(node.place(), node.op);
  CHECK(node.lvm.calls().back() == "lvchange --yes --deltag basecache.growing vg/" + kDisk);
}

TEST_CASE("a growth that was cut short is ended by the next call, but not below a guest") {
  Node node;
  node.has({{kDisk, "-wi-a-----", "basecache.growing"}});
  CHECK(node.volumes.grow(node.place(), kSize, kUntold, node.op).has_grown);
  node.has({{kDisk, "-wi-ao----", "basecache.growing"}});
  CHECK_FALSE(node.volumes.grow(node.place(), kSize, kUntold, node.op).has_grown);
  const auto error = error_of([&] { (void)node.volumes.grow(node.place(), mebibytes(8), kUntold, node.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::in_use);
}
