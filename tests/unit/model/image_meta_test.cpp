#include "agent/model/image_meta.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"
#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

const std::string kImage = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1";

InstanceSpec spec_of(const json& more) {
  json request = {{"uuid", "9a2d629d-0000-4000-8000-000000000001"}};
  request.update(more);
  return InstanceSpec::make(request);
}

}  // namespace

TEST_CASE("a request's image_meta is kept as text") {
  const auto meta = spec_of({{"image_ref", kImage},
                             {"image_meta",
                              {{"name", "debian"},
                               {"disk_format", "qcow2"},
                               {"min_ram", 64},
                               {"properties", {{"a", "b"}, {"n", 2}, {"t", true}, {"l", {1, 2}}, {"none", nullptr}}}}}})
                        .image_meta.value();
  CHECK(meta.name == "debian");
  CHECK(meta.disk_format == "qcow2");
  CHECK(meta.min_ram == 64);
  CHECK_FALSE(meta.min_disk);
  CHECK(meta.properties == std::map<std::string, std::string>{{"a", "b"}, {"n", "2"}, {"t", "true"}, {"l", "[1,2]"}});
}

TEST_CASE("an image_meta may be Nova's own, whole") {
  const json whole = {{"id", kImage},
                      {"status", "active"},
                      {"owner", "5ef7"},
                      {"checksum", nullptr},
                      {"visibility", "public"},
                      {"tags", {"stable"}},
                      {"deleted", false},
                      {"deleted_at", nullptr},
                      {"size", 7},
                      {"virtual_size", nullptr},
                      {"locations", json::array()},
                      {"min_ram", 64},
                      {"created_at", "2026-01-02T03:04:05Z"},
                      {"properties", {{"a", "b"}}}};
  const auto meta = spec_of({{"image_ref", kImage}, {"image_meta", whole}}).image_meta.value();
  CHECK(meta.min_ram == 64);
  CHECK(meta.properties == std::map<std::string, std::string>{{"a", "b"}});
}

TEST_CASE("a volume's metadata is one flat object, without what is of its image alone") {
  const auto meta = spec_of({{"volume_image_metadata",
                              {{"image_id", kImage}, {"size", "7"}, {"min_ram", "64"}, {"min_disk", ""}, {"a", "b"}}}})
                        .image_meta.value();
  CHECK(meta.min_ram == 64);
  CHECK(meta.min_disk == 0);
  CHECK_FALSE(meta.size);
  CHECK(meta.properties == std::map<std::string, std::string>{{"a", "b"}});
}

TEST_CASE("what a request says of an image is limited, and wrong fields are named") {
  json many = json::object();
  for (int i = 0; i < 1025; ++i) many["p" + std::to_string(i)] = "x";
  const std::vector<std::pair<json, std::string>> rows{
      {{{"image_meta", {{"colour", "red"}}}}, "image_meta.colour"},
      {{{"image_meta", "debian"}}, "image_meta"},
      {{{"image_meta", {{"min_ram", -1}}}}, "image_meta.min_ram"},
      {{{"image_meta", {{"properties", {{"long", std::string(65536, 'x')}}}}}}, "image_meta.properties.long"},
      {{{"image_meta", {{"properties", {{std::string(256, 'x'), ""}}}}}}, "image_meta.properties"},
      {{{"image_meta", {{"properties", many}}}}, "image_meta.properties"},
      {{{"image_meta",
         {{"properties",
           {{"a", std::string(65000, '\n')}, {"b", std::string(65000, '\n')}, {"c", std::string(9000, 'x')}}}}}},
       "image_meta.properties"},
      {{{"volume_image_metadata", {{"min_ram", "much"}}}}, "volume_image_metadata.min_ram"},
      {{{"volume_image_metadata", json::object()}, {"image_ref", kImage}}, "volume_image_metadata"},
      {{{"volume_image_metadata", json::object()}, {"image_meta", json::object()}}, "volume_image_metadata"}};
  for (const auto& row : rows) {
    const auto& [request, named] = row;
    const std::string field = named;
    CAPTURE(field);
    const auto error = test::error_of([&request = request] { spec_of(request); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_request);
    CHECK(error->fields().at(0).second == field);
  }
}

TEST_CASE("a record with more than can be kept is refused") {
  const ImageRecord small{.ref = ImageRef::parse(kImage, "image_ref")};
  std::vector<ImageRecord> large(5, small);
  for (int i = 0; i < 5; ++i) large[0].properties["p" + std::to_string(i)] = std::string(60000, 'x');
  large[1].properties["escaped"] = std::string(60000, '\x01');
  for (int i = 0; i < 1025; ++i) large[2].properties["p" + std::to_string(i)] = "";
  large[3].name = std::string(1021, 'x');
  large[4].disk_format = std::string(256, 'x');
  for (const ImageRecord& record : large) {
    CHECK(test::code_of([&] { image_meta_of(record); }) == ErrorCode::image_unacceptable);
  }
  ImageRecord most = small;
  for (int i = 0; i < 4; ++i) most.properties["p" + std::to_string(i)] = std::string(60000, 'x');
  CHECK(image_meta_of(most).properties == most.properties);
}
