#include "backends/glance/glance_image.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using nlohmann::json;

namespace {

// A minimal record with one more member.
std::string record_with(const std::string& member) { return R"({"id": "x", "status": "active", )" + member + "}"; }

}  // namespace

TEST_CASE("a record of version 2 is read with all its members") {
  const GlanceImage image = parse_image(kActive);
  CHECK(image.id == kActiveId);
  CHECK(image.name == "qcow2");
  CHECK(image.status == "active");
  CHECK(image.visibility == "public");
  CHECK(image.owner == "c97d9c854e2942e7b76c003643e3de76");
  CHECK(image.disk_format == "qcow2");
  CHECK(image.container_format == "bare");
  CHECK(image.size == Bytes{575864832});
  CHECK(image.virtual_size == Bytes{4294967296});
  CHECK(image.checksum == "80fb887f92e45a419a9ce0dbf698ea3d");
  CHECK(image.os_hash_algo == "sha512");
  CHECK(image.os_hash_value == kSha512);
  CHECK_FALSE(image.is_hidden);
  CHECK_FALSE(image.is_protected);
  CHECK(image.min_disk == 4);
  CHECK(image.min_ram == 256);
  CHECK(image.tags == std::vector<std::string>{"stable", "base"});
  CHECK(image.created_at == "2026-11-20T23:49:03Z");
  CHECK(image.updated_at == "2026-11-20T23:49:07Z");
  CHECK(image.stores == std::vector<std::string>{"file", "ceph"});
  CHECK(image.direct_url == "file:///srv/glance/images/03ab272c");
  REQUIRE(image.locations.size() == 1);
  CHECK(image.locations[0].url == "file:///srv/glance/images/03ab272c");
  CHECK(image.locations[0].metadata == std::map<std::string, std::string>{{"store", "file"}});
}

TEST_CASE("what isn't every record's is a property, the record's own links are not") {
  const std::map<std::string, std::string> expected{{"os_distro", "debian"},
                                                    {"hw_disk_bus", "virtio"},
                                                    {"owner_specified.openstack.md5", ""},
                                                    {"owner_specified.openstack.object", "images/qcow2"}};
  CHECK(parse_image(kActive).properties == expected);
}

TEST_CASE("null and absent are the same") {
  const GlanceImage queued = parse_image(kQueued);
  const GlanceImage bare = parse_image(std::string(R"({"id": "x", "status": "queued"})"));
  for (const GlanceImage* image : {&queued, &bare}) {
    CHECK_FALSE(image->size);
    CHECK_FALSE(image->virtual_size);
    CHECK(image->checksum.empty());
    CHECK(image->os_hash_algo.empty());
    CHECK(image->locations.empty());
    CHECK(image->properties.empty());
  }
  CHECK_FALSE(bare.disk_format);
}

TEST_CASE("a property of another type than text is kept as it was written") {
  const GlanceImage image = parse_image(record_with(R"("a": 5, "b": true, "c": {"d": []}, "e": null)"));
  CHECK(image.properties == std::map<std::string, std::string>{{"a", "5"}, {"b", "true"}, {"c", R"({"d":[]})"}});
}

TEST_CASE("a member of the wrong type is the registry's fault, and named") {
  const std::pair<const char*, const char*> rows[] = {{R"("size": "12")", "size"},
                                                      {R"("size": -1)", "size"},
                                                      {R"("min_disk": 1.5)", "min_disk"},
                                                      {R"("name": 5)", "name"},
                                                      {R"("tags": "a")", "tags"},
                                                      {R"("locations": {})", "locations"},
                                                      {R"("protected": "no")", "protected"},
                                                      {R"("locations": [{"metadata": {}}])", "locations[0].url"},
                                                      {R"("os_hash_value": [])", "os_hash_value"}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto error = error_of([&] { (void)parse_image(record_with(row.first)); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::source_unavailable);
    CHECK(field_of(*error, "field") == row.second);
  }
}

TEST_CASE("a record without id or status, and what is no record, is refused") {
  for (const char* text : {R"({"status": "active"})", R"({"id": "x"})", "[]", "<html>", ""}) {
    CAPTURE(text);
    CHECK(code_of([&] { (void)parse_image(std::string(text)); }) == ErrorCode::source_unavailable);
  }
}

TEST_CASE("the checksum is os_hash where we know its algorithm, else md5, else none") {
  GlanceImage image;
  CHECK_FALSE(digest_of(image));
  image.checksum = "80fb887f92e45a419a9ce0dbf698ea3d";
  CHECK(digest_of(image)->text() == "md5:80fb887f92e45a419a9ce0dbf698ea3d");
  image.os_hash_algo = "blake2b";
  image.os_hash_value = "00";
  CHECK(digest_of(image)->algorithm == DigestAlgorithm::md5);
  image.os_hash_algo = "SHA512";
  image.os_hash_value = kSha512;
  CHECK(digest_of(image)->text() == "sha512:" + kSha512);
}

TEST_CASE("an image whose only digest can't be verified isn't taken for one without a digest") {
  GlanceImage image;
  image.os_hash_value = "00";
  for (const char* algorithm : {"blake2b", "sha3_512", "sha1", ""}) {
    image.os_hash_algo = algorithm;
    CHECK(code_of([&] { (void)digest_of(image); }) == ErrorCode::image_unacceptable);
  }
}

TEST_CASE("a checksum that can't be one is not passed over in favour of a weaker one") {
  GlanceImage image;
  image.checksum = "80fb887f92e45a419a9ce0dbf698ea3d";
  image.os_hash_algo = "sha512";
  image.os_hash_value = "1234";
  CHECK(code_of([&] { (void)digest_of(image); }) == ErrorCode::source_unavailable);
}

TEST_CASE("what the cache needs to know bears the caller's ref, and each location once, in order") {
  GlanceImage image = parse_image(kActive);
  image.locations.push_back({.url = "rbd://a/b/c/snap", .metadata = {}});
  image.locations.push_back({.url = "rbd://a/b/c/snap", .metadata = {}});
  const auto ref = model::ImageRef::parse(kActiveId, "image_ref");
  const model::ImageRecord record = record_of(image, ref);
  CHECK(record.ref == ref);
  CHECK(record.name == "qcow2");
  CHECK(record.disk_format == "qcow2");
  CHECK(record.size == Bytes{575864832});
  CHECK(record.digest->text() == "sha512:" + kSha512);
  CHECK(record.properties.at("hw_disk_bus") == "virtio");
  CHECK(record.locations == std::vector<std::string>{"file:///srv/glance/images/03ab272c", "rbd://a/b/c/snap"});
}

TEST_CASE("as JSON an image is what its record was, without its links") {
  const json shown = to_json(parse_image(kActive));
  json expected = json::parse(kActive);
  for (const char* link : {"self", "file", "schema"}) expected.erase(link);
  expected["stores"] = json::array({"file", "ceph"});
  CHECK(shown == expected);
}

TEST_CASE("as JSON an image shows no credentials of its locations") {
  GlanceImage image = parse_image(kQueued);
  image.direct_url = "swift+https://user:canary@host/c/o";
  image.locations.push_back({.url = "s3://key:canary@host/b/o?sig=canary", .metadata = {}});
  const std::string shown = to_json(image).dump();
  CHECK_FALSE(contains(shown, "canary"));
  CHECK(contains(shown, "swift+https://***@host/c/o"));
}
