#include "backends/glance/image_href.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"

using namespace basecache;
using namespace basecache::glance;

namespace {

const std::string kId = "03ab272c-9642-4316-9605-83c369556b30";

}  // namespace

TEST_CASE("Nova's hrefs name a server and an image") {
  const std::pair<std::string, std::string> rows[] = {
      {"http://glance:9292", "http://glance:9292"},
      {"https://glance", "https://glance"},
      {"https://[::1]:9292", "https://[::1]:9292"},
      {"http://cloud/image", "http://cloud/image"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(parse_href(row.first + "/v2/images/" + kId) == ImageAddress{.server = row.second, .id = kId});
  }
  CHECK(parse_href("http://a/v2/images/03AB272C-9642-4316-9605-83C369556B30")->id == kId);
}

TEST_CASE("other URLs are no hrefs") {
  for (const std::string& text : std::vector<std::string>{
           "http://a/images/" + kId, "http://a/v1/images/" + kId, "http://a/v2/images/" + kId + "/file",
           "http://a/v2/images/" + kId + "/", "http://a/v2/images/other", "http://a/v2/images/",
           "file:///v2/images/" + kId, "http:///v2/images/" + kId, "http://user:secret@a/v2/images/" + kId,
           "http://a/v2/images/?x=" + kId, "http://a/?/v2/images/" + kId, "http://a/#/v2/images/" + kId, kId, ""}) {
    CAPTURE(text);
    CHECK_FALSE(parse_href(text));
  }
}

TEST_CASE("a UUID is asked for at our own servers, in lower case") {
  const auto ref = model::ImageRef::parse("03AB272C-9642-4316-9605-83C369556B30", "image_ref");
  CHECK(address_of(ref) == ImageAddress{.server = "", .id = kId});
  CHECK(servers_of(address_of(ref)).empty());
  CHECK(ref.text() == "03AB272C-9642-4316-9605-83C369556B30");
}

TEST_CASE("a URL that is no href names no image of a registry") {
  const auto ref = model::ImageRef::parse("http://a/image.qcow2", "image_ref");
  const auto error = error_of([&] { (void)address_of(ref); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_request);
  CHECK(field_of(*error, "field") == "image_ref");
}

TEST_CASE("a server is known by scheme, host, port and path, however it is spelt") {
  const std::vector<std::string> known{"http://Glance:9292/", "https://cloud/image"};
  CHECK(is_one_of("http://glance:9292", known));
  CHECK(is_one_of("https://cloud:443/image/", known));
  for (const char* other : {"https://glance:9292", "http://glance", "http://glance.evil:9292", "https://cloud",
                            "https://cloud/image/v2", "http://glance:92920", ""}) {
    CAPTURE(other);
    CHECK_FALSE(is_one_of(other, known));
  }
  CHECK_FALSE(is_one_of("http://glance:9292", {}));
}
