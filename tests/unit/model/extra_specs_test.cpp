#include "agent/model/extra_specs.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"
#include "agent/model/repeatable_request.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

const char* const kId = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

InstanceSpec spec_with(const json& more) {
  json request = {{"uuid", kId}, {"image_ref", "https://images.example/disk"}};
  request.update(more);
  return InstanceSpec::make(request);
}

}  // namespace

TEST_CASE("extra specs are read in Nova's spellings, and a wrong one is named") {
  const std::map<std::string, std::string> texts{{"yes", "Yes"}, {"off", "off"}, {"seven", "7"}, {"below", "-7"}};
  const ExtraSpecs specs(texts);
  CHECK(specs.truth("yes") == true);
  CHECK(specs.truth("off") == false);
  CHECK_FALSE(specs.truth("none").has_value());
  CHECK(specs.integer("seven", 0, 7) == 7);
  CHECK(specs.integer("below", -7, 7) == -7);
  CHECK(specs.word("seven", {"6", "7"}) == "7");
  CHECK_THROWS_WITH_AS(specs.integer("seven", 0, 6),
                       "flavor.extra_specs.seven is '7', and must be a whole number from 0 to 6", Error);
  CHECK_THROWS_AS(specs.integer("yes", 0, 6), Error);
  CHECK_THROWS_AS(specs.truth("seven"), Error);
  CHECK_THROWS_AS(specs.word("yes", {"no"}), Error);
}

TEST_CASE("a flavor carries all its extra specs, which are texts") {
  const InstanceSpec spec = spec_with({{"flavor", {{"extra_specs", {{"trait:X", "required"}, {"a", ""}}}}}});
  CHECK((spec.flavor.extra_specs == std::map<std::string, std::string>{{"trait:X", "required"}, {"a", ""}}));
  CHECK_THROWS_AS(spec_with({{"flavor", {{"extra_specs", {{"a", 1}}}}}}), Error);
  CHECK_THROWS_AS(spec_with({{"flavor", {{"extra_specs", "a=1"}}}}), Error);
}

TEST_CASE("a request is kept without its uuid and what is for once, and not at all where it holds secrets") {
  const InstanceSpec spec = spec_with({{"name", "web"},
                                       {"config_drive", true},
                                       {"refresh_config_drive", true},
                                       {"admin_pass", ""},
                                       {"libvirt_xml", std::string("<domain/>")}});
  CHECK(json::parse(spec.repeatable) ==
        json{{"image_ref", "https://images.example/disk"}, {"name", "web"}, {"config_drive", true}});
  for (const json& secret : {json{{"admin_pass", "x"}}, json{{"user_data", "eA=="}}, json{{"vendor_data", {{"a", 1}}}},
                             json{{"vendor_data2", {{"a", 1}}}}, json{{"image_ref", "https://a:b@images.example/disk"}},
                             json{{"kernel_id", "https://images.example/k?sig=x"}},
                             json{{"injected_files", json::array({{{"path", "/x"}, {"contents", "eA=="}}})}}}) {
    CAPTURE(secret.dump());
    CHECK(spec_with(secret).repeatable.empty());
  }
}

TEST_CASE("of two requests the later one is kept over the earlier") {
  const std::string uuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";
  const auto both = [&](const json& earlier, const json& later) {
    return json::parse(later_request(earlier.dump(), later.dump(), uuid));
  };
  CHECK(later_request("", "{}", uuid) == "{}");
  CHECK(both({{"name", "web"}, {"flavor", {{"root_gb", 1}, {"swap", 16}}}}, {{"flavor", {{"root_gb", 2}}}}) ==
        json{{"name", "web"}, {"flavor", {{"root_gb", 2}, {"swap", 16}}}});
  CHECK(both({{"name", "web"}}, {{"name", nullptr}, {"hostname", "h"}}) == json{{"name", "web"}, {"hostname", "h"}});
  CHECK(both({{"image_ref", "https://a/x"}, {"checksum", "md5:00"}, {"image_meta", {{"min_ram", 1}}}},
             {{"image_ref", "https://a/y"}}) == json{{"image_ref", "https://a/y"}});
  const json of_volume{{"volume_image_metadata", {{"min_ram", "1"}}}};
  const json of_image{{"image_meta", {{"min_ram", 1}}}};
  CHECK(both(of_volume, of_image) == of_image);  // both together are no request
}

TEST_CASE("a request is kept in ASCII, for XML hasn't every character") {
  const std::string kept = spec_with({{"metadata", {{"a", "\xef\xbf\xbe \xc3\xa4"}}}}).repeatable;
  CHECK(kept.find("\\ufffe \\u00e4") != kept.npos);
  CHECK_THROWS_AS(spec_with({{"name", "a\xef\xbf\xbf"}}), Error);
}

TEST_CASE("numbers and truths of a flavor are read as Python reads them") {
  const std::map<std::string, std::string> texts{{"a", " +1_000 "}, {"b", "1__0"}, {"c", "_1"}, {"d", " Yes\n"},
                                                 {"e", "+-1"},      {"f", ""},     {"g", "-7"}};
  const ExtraSpecs specs(texts);
  CHECK(specs.integer("a", 0, 5000) == 1000);
  CHECK(specs.integer("g", -9, 9) == -7);
  for (const char* wrong : {"b", "c", "e", "f"}) CHECK_THROWS_AS((void)specs.integer(wrong, -9999, 9999), Error);
  CHECK(specs.truth("d") == true);
}
