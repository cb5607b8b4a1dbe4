#include "backends/lvm/volume_growth.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/lvm/stand_in.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr Bytes kOld = mebibytes(4);
constexpr Bytes kNew = mebibytes(8);

// A file stands for the volume's device; it is as large as LVM will have made it, with another's bytes all over.
struct Node {
  Node() {
    write_file(device, std::string(kNew.count, 'x'));
    lvm.says("vgs", {.output = R"({"report":[{"vg":[{"vg_free":"1073741824","vg_extent_size":"4194304"}]}]})"});
    lvm.says("lvs", {.output = R"({"report":[{"lv":[{"lv_name":"v","lv_path":")" + device.native() +
                               R"(","lv_attr":"-wi-a-----","lv_size":"8388608","origin":"","origin_size":"",)" +
                               R"("data_percent":"","lv_tags":"mine,basecache.own=4194304"}]}]})"});
  }

  Volume volume(Bytes size, std::vector<std::string> tags = {}) const {
    return {.name = "v", .device = device, .kind = VolumeKind::linear, .size = size, .tags = std::move(tags)};
  }
  Volume grow(const Volume& from, Bytes size) {
    return grow_volume(
        group, from, size, [](Bytes) {}, op);
  }
  bool is_clean_behind_old_end() const {
    return read_file(device) == std::string(kOld.count, 'x') + std::string(kNew.count - kOld.count, '\0');
  }

  ScratchDir dir;
  Path device = dir / "device";
  StandIn lvm{"lvm"};
  VolumeGroup group{GroupSettings{"vg"}};
  OpContext op = test_operation();
};

const std::string kTagged = "lvchange --yes --addtag basecache.own=4194304 vg/v";
const std::string kUntagged = "lvchange --yes --deltag basecache.own=4194304 vg/v";

}  // namespace

TEST_CASE("what a volume grows by is zeros, and until it is the volume has a mark") {
  Node node;
  const Volume grown = node.grow(node.volume(kOld), kNew);
  CHECK(grown.size == kNew);
  CHECK(grown.tags == std::vector<std::string>{"mine"});
  CHECK(node.is_clean_behind_old_end());
  const auto calls = node.lvm.calls();
  CHECK(calls.front() == kTagged);
  CHECK(calls.back() == kUntagged);
}

TEST_CASE("a growth that was cut short is finished, though nothing larger is asked for") {
  Node node;
  node.grow(node.volume(kNew, {"basecache.own=4194304"}), kNew);
  CHECK(node.is_clean_behind_old_end());
  CHECK(node.lvm.calls() == std::vector<std::string>{kUntagged});
}

TEST_CASE("a volume that is large enough is left alone") {
  Node node;
  CHECK(node.grow(node.volume(kNew), kOld).size == kNew);
  CHECK(node.lvm.calls().empty());
  CHECK(read_file(node.device) == std::string(kNew.count, 'x'));
}

TEST_CASE("a volume that reads as zeros where nobody wrote grows without more") {
  Node node;
  Volume thin = node.volume(kOld);
  thin.kind = VolumeKind::thin;
  thin.unwritten = Unwritten::zeros;
  node.grow(thin, kNew);
  CHECK(node.lvm.calls_of("lvchange").empty());
  CHECK(read_file(node.device) == std::string(kNew.count, 'x'));
}

TEST_CASE("a volume that somebody has open isn't grown") {
  Node node;
  Volume open = node.volume(kOld);
  open.is_open = true;
  CHECK(code_of([&] { node.grow(open, kNew); }) == ErrorCode::in_use);
  CHECK(node.lvm.calls().empty());
}

TEST_CASE("a growth that LVM refuses leaves the mark for the next one, and the bytes alone") {
  Node node;
  node.lvm.says("lvextend", {.errors = "  Insufficient suitable allocatable extents\n", .status = 5});
  CHECK(error_of([&] { node.grow(node.volume(kOld), kNew); }));
  CHECK(node.lvm.calls_of("lvchange") == std::vector<std::string>{kTagged});
  CHECK(read_file(node.device) == std::string(kNew.count, 'x'));
}
