#include "backends/glance/new_image.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/unit/glance/glance_story.hpp"

using namespace basecache;
using namespace basecache::glance;
using nlohmann::json;

namespace {

NewImage sample() {
  return {.id = "i",
          .name = "n",
          .disk_format = "raw",
          .container_format = "bare",
          .visibility = "private",
          .min_disk = 4,
          .min_ram = 256,
          .is_protected = true,
          .is_hidden = false,
          .tags = {"b", "a"},
          .properties = {{"os_distro", "debian"}}};
}

GlanceImage made_from_sample() {
  GlanceImage image = parse_image(creation_body(sample()).insert(1, R"("status": "queued", )"));
  image.properties["os_glance_added_later"] = "x";
  return image;
}

}  // namespace

TEST_CASE("the request to create an image holds what was given") {
  const json expected = json::parse(R"({"id": "i", "name": "n", "disk_format": "raw", "container_format": "bare",
      "visibility": "private", "min_disk": 4, "min_ram": 256, "protected": true, "os_hidden": false, "tags": ["b", "a"],
      "os_distro": "debian"})");
  CHECK(json::parse(creation_body(sample())) == expected);
}

TEST_CASE("what wasn't given is left to the registry") {
  const json body = json::parse(creation_body({}));
  for (const char* name : {"id", "name", "disk_format", "visibility", "tags"}) {
    CAPTURE(name);
    CHECK_FALSE(body.contains(name));
  }
}

TEST_CASE("a property can't take the place of a member") {
  for (const char* name : {"status", "id", "locations"}) {
    CAPTURE(name);
    NewImage image;
    image.properties[name] = "x";
    CHECK(code_of([&] { (void)creation_body(image); }) == ErrorCode::invalid_request);
  }
}

TEST_CASE("a record is known as ours when all that was asked for is so") {
  GlanceImage image = made_from_sample();
  image.tags = {"a", "b"};
  CHECK(is_made_from(sample(), image));
  NewImage without_wishes = sample();
  without_wishes.visibility.clear();
  CHECK(is_made_from(without_wishes, image));
}

TEST_CASE("a record that differs in anything isn't ours") {
  const std::function<void(GlanceImage&)> changes[] = {
      [](GlanceImage& image) { image.id = "other"; },
      [](GlanceImage& image) { image.name = "other"; },
      [](GlanceImage& image) { image.disk_format = "qcow2"; },
      [](GlanceImage& image) { image.container_format.reset(); },
      [](GlanceImage& image) { image.visibility = "public"; },
      [](GlanceImage& image) { image.min_disk = 5; },
      [](GlanceImage& image) { image.min_ram = 0; },
      [](GlanceImage& image) { image.is_protected = false; },
      [](GlanceImage& image) { image.is_hidden = true; },
      [](GlanceImage& image) { image.tags = {"a"}; },
      [](GlanceImage& image) { image.properties["os_distro"] = "other"; },
      [](GlanceImage& image) { image.properties.clear(); },
  };
  for (const auto& change : changes) {
    GlanceImage image = made_from_sample();
    change(image);
    CHECK_FALSE(is_made_from(sample(), image));
  }
}
