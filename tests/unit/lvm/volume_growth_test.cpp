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
    reports(kOld);
  }

  // The volume, as large as it is going to be, and itself while it grows.
  void reports(Bytes growing) {
    lvm.says("lvs", {.output = R"({"report":[{"lv":[)" + row("v", kNew, "mine") + "," +
                               row("v.growing", growing, "mine,basecache.own=4194304") + "]}]}"});
  }
  std::string row(const std::string& name, Bytes size, const std::string& tags) const {
    return R"({"lv_name":")" + name + R"(","lv_path":")" + device.native() + R"(","lv_attr":"-wi-a-----","lv_size":")" +
           std::to_string(size.count) + R"(","origin":"","origin_size":"","data_percent":"","lv_tags":")" + tags +
           R"("})";
  }
  Volume volume(Bytes size) const { return {.name = "v", .device = device, .kind = VolumeKind::linear, .size = size}; }
  Volume hidden(Bytes size, std::vector<std::string> tags) const {
    return {.name = "v.growing", .device = device, .kind = VolumeKind::linear, .size = size, .tags = std::move(tags)};
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

using Calls = std::vector<std::string>;

const std::string kTagged = "lvchange --yes --addtag basecache.own=4194304 vg/v.growing";
const std::string kUntagged = "lvchange --yes --deltag basecache.own=4194304 vg/v.growing";
const std::string kHidden = "lvrename --yes vg v v.growing";
const std::string kShown = "lvrename --yes vg v.growing v";

}  // namespace

TEST_CASE("what a volume grows by is zeros, and until it is nobody finds the volume") {
  Node node;
  const Volume grown = node.grow(node.volume(kOld), kNew);
  CHECK(grown.name == "v");
  CHECK(grown.size == kNew);
  CHECK(grown.tags == std::vector<std::string>{"mine"});
  CHECK(node.is_clean_behind_old_end());
  Calls changes;
  for (const std::string& call : node.lvm.calls()) {
    if (!call.starts_with("lvs") && !call.starts_with("vgs")) changes.push_back(call);
  }
  REQUIRE(changes.size() == 5);
  CHECK(changes[0] == kHidden);
  CHECK(changes[1] == kTagged);
  CHECK(changes[2].starts_with("lvextend"));
  CHECK(changes[3] == kUntagged);
  CHECK(changes[4] == kShown);
}

TEST_CASE("a growth that was cut short is finished, though nothing larger is asked for") {
  Node node;
  node.reports(kNew);
  node.grow(node.hidden(kNew, {"basecache.own=4194304"}), kNew);
  CHECK(node.is_clean_behind_old_end());
  CHECK(node.lvm.calls_of("lvextend").empty());
  CHECK(node.lvm.calls_of("lvchange") == Calls{kUntagged});
  CHECK(node.lvm.calls_of("lvrename") == Calls{kShown});
}

TEST_CASE("a growth that was cut short before its mark or after it zeroes nothing") {
  Node node;
  node.reports(kNew);
  node.grow(node.hidden(kNew, {}), kNew);
  CHECK(read_file(node.device) == std::string(kNew.count, 'x'));
  CHECK(node.lvm.calls_of("lvrename") == Calls{kShown});
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

TEST_CASE("a growth that there is no room for changes nothing") {
  Node node;
  const auto error = error_of([&] { node.grow(node.volume(kOld), gibibytes(2)); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::no_space);
  CHECK(node.lvm.calls_of("lvrename").empty());
  CHECK(node.lvm.calls_of("lvchange").empty());
}

TEST_CASE("a growth that LVM refuses leaves the mark for the next one, and the bytes alone") {
  Node node;
  node.lvm.says("lvextend", {.errors = "  Insufficient suitable allocatable extents\n", .status = 5});
  CHECK(error_of([&] { node.grow(node.volume(kOld), kNew); }));
  CHECK(node.lvm.calls_of("lvchange") == Calls{kTagged});
  CHECK(node.lvm.calls_of("lvrename") == Calls{kHidden});
  CHECK(read_file(node.device) == std::string(kNew.count, 'x'));
}
