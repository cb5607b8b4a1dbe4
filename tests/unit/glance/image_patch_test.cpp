#include "backends/glance/image_patch.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace basecache::glance;
using nlohmann::json;

TEST_CASE("a patch holds its changes in order, each value with its type") {
  ImagePatch patch;
  patch.set("name", "new").set("protected", true).set("min_disk", std::uint64_t{5});
  patch.set("tags", std::vector<std::string>{"a"}).remove("old").add_location("http://store/x");
  CHECK(json::parse(patch.body()) == json::parse(R"([
      {"op": "add", "path": "/name", "value": "new"},
      {"op": "add", "path": "/protected", "value": true},
      {"op": "add", "path": "/min_disk", "value": 5},
      {"op": "add", "path": "/tags", "value": ["a"]},
      {"op": "remove", "path": "/old"},
      {"op": "add", "path": "/locations/-", "value": {"url": "http://store/x", "metadata": {}}}])"));
}

TEST_CASE("names are escaped as a JSON pointer wants it") {
  CHECK(json::parse(ImagePatch().set("a/b~c", "v").body())[0]["path"] == "/a~1b~0c");
}

TEST_CASE("a patch that only sets may be sent twice") {
  CHECK(ImagePatch().set("name", "a").is_repeatable());
  CHECK_FALSE(ImagePatch().set("name", "a").remove("b").is_repeatable());
  CHECK_FALSE(ImagePatch().add_location("http://a").is_repeatable());
}

TEST_CASE("a patch without changes is empty") {
  CHECK(ImagePatch().empty());
  CHECK_FALSE(ImagePatch().remove("a").empty());
}
