#include "backends/http/url.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace basecache::http {
namespace {

TEST_CASE("URLs are taken apart as they are compared") {
  struct Case {
    const char* text;
    Url expected;
  };
  const std::vector<Case> cases{
      {"http://images.example/a.img", {"http", "images.example", "80", "/a.img"}},
      {"HTTPS://Images.Example.:8443/", {"https", "images.example", "8443", "/"}},
      {"http://user:secret@h/x?y=z#f", {"http", "h", "80", "/x"}},
      {"http://[::1]:8080/a", {"http", "::1", "8080", "/a"}},
      {"http://h/a%20b/../c", {"http", "h", "80", "/a b/../c"}},
      {"http://127.1/a", {"http", "127.0.0.1", "80", "/a"}},
      {"http://0x7f000001/a", {"http", "127.0.0.1", "80", "/a"}},
      {"file:///var/images/a.img", {"file", "", "", "/var/images/a.img"}},
      {"gopher://h/x", {"gopher", "h", "70", "/x"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto url = parse_url(c.text);
    REQUIRE(url);
    CHECK(url->scheme == c.expected.scheme);
    CHECK(url->host == c.expected.host);
    CHECK(url->port == c.expected.port);
    CHECK(url->path == c.expected.path);
  }
}

TEST_CASE("what isn't an absolute URL, or hides control characters, is none") {
  for (const char* text : {"", "image", "/image", "images.example/a", "http://", "http://h:port/", "http://h/%00",
                           "http://h/%0aX", "http://h h/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("hosts are compared without brackets, case and the final dot") {
  CHECK(normal_host("[FE80::1]") == "fe80::1");
  CHECK(normal_host("Mirror.Example.") == "mirror.example");
  CHECK(normal_host("") == "");
}

}  // namespace
}  // namespace basecache::http
