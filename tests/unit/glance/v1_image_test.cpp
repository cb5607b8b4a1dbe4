#include "backends/glance/v1_image.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"

using namespace basecache;
using namespace basecache::glance;

namespace {

std::map<std::string, std::string> sample_headers() {
  return {{"content-type", "text/html"},          {"x-image-meta-id", "71c675ab-d94f-49cd-a114-e12490b328d9"},
          {"x-image-meta-name", "precise"},       {"x-image-meta-status", "active"},
          {"x-image-meta-size", "12345"},         {"x-image-meta-checksum", "80fb887f92e45a419a9ce0dbf698ea3d"},
          {"x-image-meta-disk_format", "qcow2"},  {"x-image-meta-container_format", "bare"},
          {"x-image-meta-is_public", "True"},     {"x-image-meta-protected", "False"},
          {"x-image-meta-deleted", "False"},      {"x-image-meta-min_disk", "4"},
          {"x-image-meta-min_ram", "256"},        {"x-image-meta-owner", "None"},
          {"x-image-meta-deleted_at", ""},        {"x-image-meta-property-hw_disk_bus", "virtio"},
          {"x-image-meta-property-kernel-id", ""}};
}

}  // namespace

TEST_CASE("the headers of version 1 make a record") {
  const GlanceImage image = parse_v1_headers(sample_headers());
  CHECK(image.id == "71c675ab-d94f-49cd-a114-e12490b328d9");
  CHECK(image.name == "precise");
  CHECK(image.status == "active");
  CHECK(image.size == Bytes{12345});
  CHECK(digest_of(image)->text() == "md5:80fb887f92e45a419a9ce0dbf698ea3d");
  CHECK(image.disk_format == "qcow2");
  CHECK(image.container_format == "bare");
  CHECK(image.visibility == "public");
  CHECK_FALSE(image.is_protected);
  CHECK(image.min_disk == 4);
  CHECK(image.min_ram == 256);
  CHECK(image.owner.empty());
  CHECK(image.properties == std::map<std::string, std::string>{{"hw_disk_bus", "virtio"}, {"kernel-id", ""}});
}

TEST_CASE("a proxy that passes no underscores doesn't hide a member") {
  auto headers = sample_headers();
  headers.erase("x-image-meta-disk_format");
  headers["x-image-meta-disk-format"] = "raw";
  CHECK(parse_v1_headers(headers).disk_format == "raw");
}

TEST_CASE("an image without data has no size, and a deleted one says so") {
  auto headers = sample_headers();
  headers["x-image-meta-status"] = "queued";
  headers["x-image-meta-size"] = "";
  CHECK_FALSE(parse_v1_headers(headers).size);
  headers["x-image-meta-deleted"] = "True";
  CHECK(parse_v1_headers(headers).status == "deleted");
}

TEST_CASE("headers that can't be are the registry's fault") {
  for (const auto& [name, value] : std::map<std::string, std::string>{{"x-image-meta-size", "many"},
                                                                      {"x-image-meta-min_ram", "-1"},
                                                                      {"x-image-meta-id", ""},
                                                                      {"x-image-meta-status", ""}}) {
    auto headers = sample_headers();
    headers[name] = value;
    CHECK(code_of([&] { (void)parse_v1_headers(headers); }) == ErrorCode::source_unavailable);
  }
  CHECK(code_of([] { (void)parse_v1_headers({}); }) == ErrorCode::source_unavailable);
}

TEST_CASE("the old registry's JSON makes a record, with its locations") {
  const GlanceImage image = parse_v1_record(R"({"image": {"id": "71c675ab-d94f-49cd-a114-e12490b328d9", "name": null,
      "status": "active", "size": 12345, "checksum": "80fb887f92e45a419a9ce0dbf698ea3d", "disk_format": "raw",
      "container_format": "bare", "is_public": false, "protected": true, "deleted": false, "min_disk": 0, "min_ram": 0,
      "owner": "o", "created_at": "2012-01-01T00:00:00", "updated_at": "2012-01-01T00:00:00", "deleted_at": null,
      "location": "file:///srv/images/1", "location_data": [{"url": "file:///srv/images/1", "metadata": {}}],
      "properties": {"os_distro": "debian", "nothing": null}}})");
  CHECK(image.id == "71c675ab-d94f-49cd-a114-e12490b328d9");
  CHECK(image.size == Bytes{12345});
  CHECK(image.visibility == "private");
  CHECK(image.is_protected);
  CHECK(image.properties == std::map<std::string, std::string>{{"os_distro", "debian"}});
  const auto ref = model::ImageRef::parse(image.id, "image_ref");
  CHECK(record_of(image, ref).locations == std::vector<std::string>{"file:///srv/images/1"});
}

TEST_CASE("JSON without an image is the registry's fault") {
  for (const char* text : {"{}", R"({"image": 5})", R"({"images": []})", "[]", ""}) {
    CAPTURE(text);
    CHECK(code_of([&] { (void)parse_v1_record(text); }) == ErrorCode::source_unavailable);
  }
}
