#include "backends/registry/stored_image.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/registry/received_image.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::registry;
using nlohmann::json;

namespace {

const std::string kId = "0c1d2e3f-0000-4000-8000-00000000000a";

StoredImage an_image() {
  return {.id = kId,
          .name = "debian 12",
          .disk_format = "qcow2",
          .container_format = "bare",
          .size = {1234},
          .digest = {.algorithm = DigestAlgorithm::sha256, .hex = std::string(64, 'a')},
          .min_disk = 2,
          .min_ram = 512,
          .created_at = "2026-01-31T12:00:00Z",
          .properties = {{"hw_disk_bus", "virtio"}}};
}

std::optional<Error> refusal(const json& record) {
  return error_of([&] { (void)stored_image_from(record.dump(), kId); });
}

std::optional<Error> refusal_with(const std::string& field, const json& value) {
  json record = to_json(an_image());
  record[field] = value;
  return refusal(record);
}

}  // namespace

TEST_CASE("a record that was written is read as it was") {
  const StoredImage image = stored_image_from(to_json(an_image()).dump(), kId);
  CHECK(to_json(image) == to_json(an_image()));
  CHECK(image.digest == an_image().digest);
  CHECK(image.properties.at("hw_disk_bus") == "virtio");
}

TEST_CASE("a record has the names of the image API") {
  const json record = to_json(an_image());
  CHECK(record == json{{"id", kId},
                       {"name", "debian 12"},
                       {"disk_format", "qcow2"},
                       {"container_format", "bare"},
                       {"size", 1234},
                       {"os_hash_algo", "sha256"},
                       {"os_hash_value", std::string(64, 'a')},
                       {"min_disk", 2},
                       {"min_ram", 512},
                       {"created_at", "2026-01-31T12:00:00Z"},
                       {"properties", {{"hw_disk_bus", "virtio"}}}});
}

TEST_CASE("a record that lacks any field is damaged, and the error names the field") {
  const json whole = to_json(an_image());
  for (const auto& item : whole.items()) {
    const std::string& field = item.key();
    CAPTURE(field);
    json record = whole;
    record.erase(field);
    const auto error = refusal(record);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::image_unacceptable);
    CHECK(says(error, field));
    CHECK(says(error, kId));
    CHECK_FALSE(error->hint().empty());
  }
}

TEST_CASE("a record with a wrong value is damaged") {
  CHECK(says(refusal_with("size", "1234"), "size"));
  CHECK(says(refusal_with("size", -1), "size"));
  CHECK(says(refusal_with("size", 1.5), "size"));
  CHECK(says(refusal_with("size", 0x8000000000000000U), "size"));
  CHECK(says(refusal_with("name", 7), "name"));
  CHECK(says(refusal_with("disk_format", "vpc"), "disk_format"));
  CHECK(says(refusal_with("container_format", "ova"), "container_format"));
  CHECK(says(refusal_with("os_hash_algo", "crc32"), "checksum"));
  CHECK(says(refusal_with("os_hash_value", "abc"), "checksum"));
  CHECK(says(refusal_with("min_disk", 0x80000000U), "min_disk"));
  CHECK(says(refusal_with("created_at", "yesterday"), "created_at"));
  CHECK(says(refusal_with("created_at", "2026-01-31T12:00:00+0"), "created_at"));
  CHECK(says(refusal_with("properties", json::array()), "properties"));
  CHECK(says(refusal_with("properties", {{"hw_disk_bus", 1}}), "properties.hw_disk_bus"));
}

TEST_CASE("a record with a field that nobody knows is damaged") { CHECK(says(refusal_with("nmae", "x"), "nmae")); }

TEST_CASE("the record of another image is damaged") {
  CHECK(says(refusal_with("id", "0c1d2e3f-0000-4000-8000-00000000000b"), "00000000000b"));
}

TEST_CASE("what isn't a JSON object is damaged") {
  for (const std::string text : {"", "{", "[]", "null", "{\"id\": \"\xff\"}", "{} {}"}) {
    CAPTURE(text);
    CHECK(code_of([&] { (void)stored_image_from(text, kId); }) == ErrorCode::image_unacceptable);
  }
}

TEST_CASE("a description that the image API would refuse is refused, and the field named") {
  const auto refused = [](auto change) {
    StoredImage image = an_image();
    change(image);
    const auto error = error_of([&] { check_description(image); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::invalid_request);
    return error->fields().at(0).second;
  };
  CHECK(refused([](StoredImage& image) { image.disk_format = "qcow"; }) == "disk_format");
  CHECK(refused([](StoredImage& image) { image.disk_format = ""; }) == "disk_format");
  CHECK(refused([](StoredImage& image) { image.container_format = "tar"; }) == "container_format");
  CHECK(refused([](StoredImage& image) { image.name.assign(256, 'n'); }) == "name");
  CHECK(refused([](StoredImage& image) { image.name = "\xff"; }) == "name");
  CHECK(refused([](StoredImage& image) { image.min_ram = 0x80000000U; }) == "min_ram");
  CHECK(refused([](StoredImage& image) { image.properties[""] = "x"; }) == "properties");
  CHECK(refused([](StoredImage& image) { image.properties[std::string(256, 'k')] = "x"; }) == "properties");
  CHECK(refused([](StoredImage& image) { image.properties["k"].assign(65536, 'v'); }) == "properties.'k'");
  CHECK(refused([](StoredImage& image) {
          for (int i = 0; i < 129; ++i) image.properties[std::to_string(i)] = "";
        }) == "properties");
  CHECK(refused([](StoredImage& image) {
          for (int i = 0; i < 20; ++i) image.properties[std::to_string(i)].assign(65535, 'v');
        }) == "properties");
}

TEST_CASE("a slip of the pen in a format is pointed out") {
  StoredImage image = an_image();
  image.disk_format = "qcow3";
  const auto error = error_of([&] { check_description(image); });
  REQUIRE(error);
  CHECK(error->hint() == "did you mean 'qcow2'?");
}
