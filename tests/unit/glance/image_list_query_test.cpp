#include "backends/glance/image_list_query.hpp"

#include <doctest/doctest.h>

#include "backends/glance/api_path.hpp"
#include "tests/support/failure.hpp"

using namespace basecache::glance;
using basecache::test::code_of;

TEST_CASE("everything but unreserved characters is percent-encoded") {
  CHECK(percent_encode("Az09-._~") == "Az09-._~");
  CHECK(percent_encode("a b/c?d&e=f%+") == "a%20b%2Fc%3Fd%26e%3Df%25%2B");
  CHECK(percent_encode("ä") == "%C3%A4");
  CHECK(image_path("a/../b") == "/v2/images/a%2F..%2Fb");
}

TEST_CASE("a name that would lead elsewhere is part of no address") {
  for (const char* name : {"", ".", ".."}) {
    CAPTURE(name);
    CHECK(code_of([&] { (void)path_segment(name); }) == basecache::ErrorCode::invalid_request);
    CHECK(code_of([&] { (void)image_path(name); }) == basecache::ErrorCode::invalid_request);
  }
  CHECK(path_segment("...") == "...");
}

TEST_CASE("a list without filters asks for a page only") { CHECK(list_path({}, 100, "") == "/v2/images?limit=100"); }

TEST_CASE("each filter stands in the query, and the marker") {
  const ImageFilter filter{.name = "my image",
                           .status = "active",
                           .visibility = "shared",
                           .owner = "o",
                           .disk_format = "qcow2",
                           .container_format = "bare",
                           .member_status = "accepted",
                           .tags = {"a&b", "c"},
                           .is_hidden = true,
                           .limit = 7};
  CHECK(list_path(filter, 7, "m") ==
        "/v2/images?limit=7&name=my%20image&status=active&visibility=shared&owner=o&disk_format=qcow2"
        "&container_format=bare&member_status=accepted&tag=a%26b&tag=c&os_hidden=true&marker=m");
}
