#include "backends/lvm/lvm_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

// As lvm 2.03.16 prints it.
std::string report_of(const std::string& kind, const std::string& rows) {
  return "  {\n      \"report\": [\n          {\n              \"" + kind + "\": [\n" + rows +
         "\n              ]\n          }\n      ]\n  }\n";
}

std::string group_of(const std::string& free, const std::string& extent) {
  return report_of("vg", R"({"vg_free":")" + free + R"(", "vg_extent_size":")" + extent + R"("})");
}

struct Row {
  std::string attributes = "-wi-a-----";
  std::string size = "67108864";
  std::string origin = "";
  std::string origin_size = "";
  std::string used = "";
  std::string tags = "";
};

std::string text_of(const Row& row) {
  return R"({"lv_name":"v", "lv_path":"/dev/vg/v", "lv_attr":")" + row.attributes + R"(", "lv_size":")" + row.size +
         R"(", "origin":")" + row.origin + R"(", "origin_size":")" + row.origin_size + R"(", "data_percent":")" +
         row.used + R"(", "lv_tags":")" + row.tags + R"("})";
}

Volume parsed(const Row& row) { return parse_volume_report(report_of("lv", text_of(row))).at(0); }

}  // namespace

TEST_CASE("a volume group has free space and an extent size") {
  CHECK(parse_group_report(group_of("1069547520", "4194304")) == GroupSpace{{1069547520}, {4194304}});
  CHECK_FALSE(parse_group_report(report_of("vg", "")));
}

TEST_CASE("a group without volumes reports none") { CHECK(parse_volume_report(report_of("lv", "")).empty()); }

TEST_CASE("a whole report of each kind is understood as LVM prints it") {
  const auto volumes = parse_volume_report(R"(  {
      "report": [
          {
              "lv": [
                  {"lv_name":"lin", "lv_path":"/dev/vg-1/lin", "lv_attr":"-wi-a-----", "lv_size":"8388608", "origin":"", "origin_size":"", "data_percent":"", "lv_tags":"b,basecache.own=4096"},
                  {"lv_name":"pool", "lv_path":"", "lv_attr":"twi-aotz--", "lv_size":"33554432", "origin":"", "origin_size":"", "data_percent":"0.00", "lv_tags":""},
                  {"lv_name":"sp2", "lv_path":"/dev/vg-1/sp2", "lv_attr":"swi-a-s---", "lv_size":"67108864", "origin":"[sp2_vorigin]", "origin_size":"1073741824", "data_percent":"0.00", "lv_tags":""},
                  {"lv_name":"th", "lv_path":"/dev/vg-1/th", "lv_attr":"Vwi-a-tz--", "lv_size":"1073741824", "origin":"", "origin_size":"", "data_percent":"0.00", "lv_tags":""}
              ]
          }
      ]
  }
)");
  REQUIRE(volumes.size() == 4);
  CHECK(volumes[0].kind == VolumeKind::linear);
  CHECK(volumes[0].tags.size() == 2);
  CHECK(volumes[1].kind == VolumeKind::pool);
  CHECK(volumes[1].device.empty());
  CHECK(volumes[1].free == mebibytes(32));
  CHECK(volumes[2].kind == VolumeKind::sparse);
  CHECK(volumes[2].size == gibibytes(1));
  CHECK(volumes[3].kind == VolumeKind::thin);
  CHECK(volumes[3].unwritten == Unwritten::zeros);
}

TEST_CASE("a linear volume is of its size and reads as anything, with snapshots of its own too") {
  for (const char* attributes : {"-wi-a-----", "owi-a-s---"}) {
    CAPTURE(attributes);
    const Volume volume = parsed({.attributes = attributes});
    CHECK(volume.name == "v");
    CHECK(volume.device == "/dev/vg/v");
    CHECK(volume.kind == VolumeKind::linear);
    CHECK(volume.size == mebibytes(64));
    CHECK(volume.unwritten == Unwritten::unknown);
    CHECK_FALSE(volume.is_open);
  }
}

TEST_CASE("an open volume is told from one that isn't") { CHECK(parsed({.attributes = "-wi-ao----"}).is_open); }

TEST_CASE("a sparse volume is of its origin's size and reads as zeros") {
  for (const char* origin : {"[v_vorigin]", "v_vorigin"}) {
    CAPTURE(origin);
    const Volume volume =
        parsed({.attributes = "swi-a-s---", .origin = origin, .origin_size = "1073741824", .used = "0.01"});
    CHECK(volume.kind == VolumeKind::sparse);
    CHECK(volume.size == gibibytes(1));
    CHECK(volume.unwritten == Unwritten::zeros);
    CHECK_FALSE(volume.is_broken);
  }
}

TEST_CASE("a sparse volume whose store ran full is broken") {
  const Volume volume =
      parsed({.attributes = "swi-I-s---", .origin = "[v_vorigin]", .origin_size = "1073741824", .used = "100.00"});
  CHECK(volume.is_broken);
}

TEST_CASE("a snapshot of a volume is none of ours") {
  const Volume volume = parsed({.attributes = "swi-a-s---", .origin = "other", .origin_size = "1073741824"});
  CHECK(volume.kind == VolumeKind::other);
  CHECK(volume.unwritten == Unwritten::unknown);
}

TEST_CASE("a thin volume reads as zeros where its pool zeroes") {
  const Volume zeroing = parsed({.attributes = "Vwi-a-tz--", .used = "3.12"});
  CHECK(zeroing.kind == VolumeKind::thin);
  CHECK(zeroing.unwritten == Unwritten::zeros);
  CHECK(parsed({.attributes = "Vwi-a-t---", .used = "3.12"}).unwritten == Unwritten::unknown);
}

TEST_CASE("a thin pool has left what it hasn't given away") {
  const Volume pool = parsed({.attributes = "twi-aotz--", .size = "100000000", .used = "12.50"});
  CHECK(pool.kind == VolumeKind::pool);
  CHECK(pool.free == Bytes{87500000});
  CHECK(parsed({.attributes = "twi-aotzD-", .size = "100000000", .used = "100.00"}).free == Bytes{0});
}

TEST_CASE("of a pool that isn't active nothing is known to be free") {
  CHECK(parsed({.attributes = "twi---tz--", .used = ""}).free == Bytes{0});
}

TEST_CASE("tags are a list") {
  CHECK(parsed({.tags = ""}).tags.empty());
  CHECK(parsed({.tags = "a,basecache.own=4096"}).tags == std::vector<std::string>{"a", "basecache.own=4096"});
}

TEST_CASE("a report that can't be understood is lvm's failure, and says what is wrong") {
  CHECK(code_of([] { parse_volume_report(""); }) == ErrorCode::tool_failed);
  CHECK(code_of([] { parse_volume_report("WARNING: no JSON"); }) == ErrorCode::tool_failed);
  CHECK(code_of([] { parse_volume_report("[]"); }) == ErrorCode::tool_failed);
  CHECK(code_of([] { parse_volume_report(R"({"report":[{"vg":[]}]})"); }) == ErrorCode::tool_failed);
  CHECK(code_of([] { parse_volume_report(R"({"report":[{"lv":[7]}]})"); }) == ErrorCode::tool_failed);
  CHECK(says(error_of([] { parse_volume_report(report_of("lv", "{}")); }), "lv_attr"));
  CHECK(says(error_of([] { parsed({.attributes = "-wi"}); }), "lv_attr"));
  CHECK(says(error_of([] { parsed({.size = "64.00m"}); }), "lv_size"));
  CHECK(says(error_of([] { parsed({.attributes = "twi-aotz--", .used = "half"}); }), "data_percent"));
  CHECK(says(error_of([] { parsed({.attributes = "swi-a-s---", .origin = "[v_vorigin]"}); }), "origin_size"));
  CHECK(says(error_of([] { parse_group_report(group_of("-1", "4194304")); }), "vg_free"));
  CHECK(says(error_of([] { parse_group_report(group_of("1", "0")); }), "vg_extent_size"));
}
