#include "backends/lvm/volume_group.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/lvm/stand_in.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

std::string row(const std::string& name, const std::string& attributes, Bytes size, const std::string& used = "") {
  return R"({"lv_name":")" + name + R"(","lv_path":"/dev/vg/)" + name + R"(","lv_attr":")" + attributes +
         R"(","lv_size":")" + std::to_string(size.count) + R"(","origin":"","origin_size":"","data_percent":")" + used +
         R"(","lv_tags":""})";
}

Saying volumes(const std::string& rows) { return {.output = R"({"report":[{"lv":[)" + rows + "]}]}"}; }

Saying group_with(Bytes free) {
  return {.output = R"({"report":[{"vg":[{"vg_free":")" + std::to_string(free.count) +
                    R"(","vg_extent_size":"4194304"}]}]})"};
}

Saying refusal(const std::string& words) { return {.errors = "  " + words + "\n", .status = 5}; }

struct Node {
  explicit Node(Allocation allocation = Allocation::linear, const std::string& pool = "")
      : group(GroupSettings{"vg", allocation, pool}) {}

  std::optional<Error> error_of_create(const NewVolume& volume) {
    return error_of([&] { group.create(volume, op); });
  }

  StandIn lvm{"lvm"};
  VolumeGroup group;
  OpContext op = test_operation();
};

}  // namespace

TEST_CASE("a volume is made when there is room for its whole extents, and told as LVM made it") {
  Node node;
  node.lvm.says("vgs", group_with(mebibytes(12)));
  node.lvm.says("lvs", volumes(row("a", "-wi-a-----", mebibytes(4)) + "," + row("v", "-wi-a-----", mebibytes(12))));
  const Volume made = node.group.create({"v", mebibytes(9), {}}, node.op);
  CHECK(made.name == "v");
  CHECK(made.device == "/dev/vg/v");
  CHECK(made.size == mebibytes(12));
  CHECK(node.lvm.calls_of("lvcreate") ==
        std::vector<std::string>{"lvcreate --yes --name v --wipesignatures n --type linear --size 9437184b vg"});
}

TEST_CASE("a full group is told with what is needed and what is free, before anything is made") {
  Node node;
  node.lvm.says("vgs", group_with(mebibytes(12)));
  const auto error = node.error_of_create({"v", mebibytes(12) + Bytes{1}, {}});
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::no_space);
  CHECK(says(error, "16 MiB (16777216 bytes)"));
  CHECK(says(error, "12 MiB (12582912 bytes) are free"));
  CHECK(error->hint().find("vgextend") != std::string::npos);
  CHECK(node.lvm.calls_of("lvcreate").empty());
}

TEST_CASE("who is overtaken by another one's volume hears of the lack of space too") {
  Node node;
  node.lvm.says("vgs", group_with(gibibytes(1)));
  for (const char* words : {"Volume group \"vg\" has insufficient free space (0 extents): 1 required.",
                            "Insufficient free space: 1 extents needed, but only 0 available"}) {
    node.lvm.says("lvcreate", refusal(words));
    CHECK(node.error_of_create({"v", mebibytes(4), {}})->code() == ErrorCode::no_space);
  }
}

TEST_CASE("a sparse volume needs room for its store only") {
  Node node(Allocation::sparse);
  node.lvm.says("vgs", group_with(mebibytes(68)));
  node.lvm.says("lvs", volumes(row("v", "-wi-a-----", mebibytes(64))));
  node.group.create({"v", gibibytes(10), {}}, node.op);
  CHECK(node.lvm.calls_of("lvcreate").at(0).find("--size 67108864b --virtualsize 10737418240b") != std::string::npos);
  CHECK(node.error_of_create({"v", gibibytes(10), mebibytes(8)})->code() == ErrorCode::no_space);
}

TEST_CASE("a thin volume needs room in its pool for what is written at once") {
  Node node(Allocation::thin, "pool");
  node.lvm.says("lvs", volumes(row("pool", "twi-aotz--", mebibytes(100), "90.00") + "," +
                               row("v", "Vwi-a-tz--", gibibytes(10), "0.00")));
  CHECK(node.group.create({"v", gibibytes(10), mebibytes(10)}, node.op).unwritten == Unwritten::zeros);
  const auto error = node.error_of_create({"v", gibibytes(10), mebibytes(11)});
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::no_space);
  CHECK(says(error, "'pool'"));
  CHECK(says(error, "11 MiB"));
  CHECK(says(error, "10 MiB"));
}

TEST_CASE("a thin pool that is none is named, and the option that names it") {
  Node node(Allocation::thin, "pool");
  node.lvm.says("lvs", volumes(""));
  const auto missing = node.error_of_create({"v", gibibytes(1), {}});
  CHECK(says(missing, "'pool' of volume group 'vg' isn't there"));
  CHECK(missing->code() == ErrorCode::storage_unusable);
  CHECK(missing->hint().find("lvm_thin_pool") != std::string::npos);
  node.lvm.says("lvs", volumes(row("pool", "-wi-a-----", gibibytes(1))));
  CHECK(says(node.error_of_create({"v", gibibytes(1), {}}), "is no thin pool"));
}

TEST_CASE("a group that isn't there is named, and the option that names it") {
  Node node;
  const Saying missing{.output = R"({"report":[{"vg":[]}]})",
                       .errors = "  Volume group \"vg\" not found\n  Cannot process volume group vg\n",
                       .status = 5};
  node.lvm.says("vgs", missing);
  node.lvm.says("lvs", missing);
  for (const auto& error :
       {node.error_of_create({"v", mebibytes(4), {}}), error_of([&] { node.group.volumes(node.op); })}) {
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::storage_unusable);
    CHECK(says(error, "no volume group 'vg'"));
    CHECK(error->hint().find("images_volume_group") != std::string::npos);
  }
}

TEST_CASE("what LVM can't do is told in its words") {
  Node node;
  node.lvm.says("lvs", refusal("Locking type -1 initialisation failed."));
  const auto error = error_of([&] { node.group.volumes(node.op); });
  CHECK(error->code() == ErrorCode::tool_failed);
  CHECK(says(error, "Locking type -1 initialisation failed."));
}

TEST_CASE("a warning of LVM's is no failure") {
  Node node;
  Saying warned = volumes(row("v", "-wi-a-----", mebibytes(4)));
  warned.errors = "  WARNING: Device for PV abc not found or rejected by a filter.\n";
  node.lvm.says("lvs", warned);
  CHECK(node.group.find("v", node.op));
}

TEST_CASE("a volume that is there can't be made again, nor take another's name") {
  Node node;
  node.lvm.says("vgs", group_with(gibibytes(1)));
  node.lvm.says("lvcreate", refusal("Logical Volume \"v\" already exists in volume group \"vg\""));
  CHECK(node.error_of_create({"v", mebibytes(4), {}})->code() == ErrorCode::already_exists);
  node.lvm.says("lvrename", refusal("Logical Volume \"v\" already exists in volume group \"vg\""));
  CHECK(code_of([&] { node.group.rename("w", "v", node.op); }) == ErrorCode::already_exists);
}

TEST_CASE("a volume is found by its name alone") {
  Node node;
  node.lvm.says("lvs", volumes(row("ab", "-wi-a-----", mebibytes(4))));
  CHECK(node.group.find("ab", node.op));
  CHECK_FALSE(node.group.find("a", node.op));
}

TEST_CASE("a volume that is gone is removed already, one in use isn't removed") {
  Node node;
  node.lvm.says("lvremove", refusal("Failed to find logical volume \"vg/v\""));
  CHECK_NOTHROW(node.group.remove("v", node.op));
  node.lvm.says("lvremove", refusal("Logical volume vg/v in use."));
  const auto error = error_of([&] { node.group.remove("v", node.op); });
  CHECK(error->code() == ErrorCode::in_use);
  CHECK_FALSE(error->hint().empty());
}

TEST_CASE("a volume grows by what is free, and not when it is that large") {
  Node node;
  const Volume volume{.name = "v", .device = "/dev/vg/v", .kind = VolumeKind::linear, .size = mebibytes(8)};
  CHECK(node.group.extend(volume, mebibytes(8), node.op) == volume);
  CHECK(node.lvm.calls().empty());
  node.lvm.says("vgs", group_with(mebibytes(4)));
  node.lvm.says("lvs", volumes(row("v", "-wi-a-----", mebibytes(12))));
  CHECK(node.group.extend(volume, mebibytes(11), node.op).size == mebibytes(12));
  CHECK(node.lvm.calls_of("lvextend") == std::vector<std::string>{"lvextend --yes --size 11534336b vg/v"});
  const auto error = error_of([&] { node.group.extend(volume, mebibytes(13), node.op); });
  CHECK(error->code() == ErrorCode::no_space);
  CHECK(says(error, "it takes 8 MiB"));
}

TEST_CASE("a sparse volume doesn't grow") {
  Node node;
  const Volume volume{.name = "v", .device = "/dev/vg/v", .kind = VolumeKind::sparse, .size = mebibytes(8)};
  CHECK(code_of([&] { node.group.extend(volume, mebibytes(9), node.op); }) == ErrorCode::invalid_request);
  CHECK(node.lvm.calls().empty());
}

TEST_CASE("names that LVM doesn't know don't reach it") {
  Node node;
  CHECK(node.error_of_create({"-x", mebibytes(4), {}})->code() == ErrorCode::invalid_request);
  CHECK(code_of([&] { node.group.remove("../sda", node.op); }) == ErrorCode::invalid_request);
  CHECK(code_of([&] { node.group.rename("v", "a b", node.op); }) == ErrorCode::invalid_request);
  CHECK(node.lvm.calls().empty());
  CHECK(code_of([] { VolumeGroup({"a/b"}); }) == ErrorCode::invalid_request);
  CHECK(code_of([] { VolumeGroup({"vg", Allocation::thin, ""}); }) == ErrorCode::invalid_request);
}

TEST_CASE("a cancelled operation begins no change") {
  Node node;
  std::stop_source stop;
  stop.request_stop();
  const OpContext cancelled = test_operation(stop.get_token());
  CHECK_THROWS_AS(node.group.remove("v", cancelled), Cancelled);
  CHECK(node.lvm.calls().empty());
}
