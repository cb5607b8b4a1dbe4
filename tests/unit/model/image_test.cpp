#include "agent/model/image.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::model;

namespace {

// The error with which `text` is refused; a test that gets none fails.
Error refusal_of(const std::string& text) {
  try {
    ImageRef::parse(text, "image_ref");
  } catch (const Error& error) {
    return error;
  }
  FAIL("was taken: " << text);
  return {ErrorCode::internal, ""};
}

const std::string kHost = "https://mirror.example/";

}  // namespace

TEST_CASE("an image ref is the UUID of a registry's image or a URL") {
  using Kind = ImageRef::Kind;
  const std::pair<std::string, Kind> rows[] = {
      {"70a599e0-31e7-49b7-b260-868f441e862b", Kind::registry_id},
      {"70A599E0-31E7-49B7-B260-868F441E862B", Kind::registry_id},
      {"file:///srv/images/cirros.qcow2", Kind::url},
      {"file:///srv/a..b/cirros.qcow2", Kind::url},  // two dots in a name lead nowhere
      {"http://mirror.example/cirros.img", Kind::url},
      {"https://mirror.example", Kind::url},
      {"https://mirror.example:8443/a/b?token=x", Kind::url},
      {"https://user:secret@mirror.example/a", Kind::url},
      {"https://[::1]/a", Kind::url},
      {"https://mirror.example/a%20b", Kind::url},
  };
  for (const auto& row : rows) {
    const auto& text = row.first;
    const auto& kind = row.second;
    CAPTURE(text);
    const ImageRef ref = ImageRef::parse(text, "image_ref");
    CHECK(ref.kind() == kind);
    CHECK(ref.text() == text);  // the cache key is the digest of exactly this text
  }
}

TEST_CASE("any other text is refused with the field's name and the reason") {
  const std::pair<std::string, std::string> rows[] = {
      {"", "is empty"},
      {"cirros", "neither the UUID"},
      {"70a599e0-31e7-49b7-b260-868f441e862", "neither the UUID"},
      {"70a599e0-31e7-49b7-b260-868f441e862bb", "neither the UUID"},
      {"70a599e031e749b7b260868f441e862b", "neither the UUID"},
      {"70a599e0-31e7-49b7-b260-868f441e862g", "neither the UUID"},
      {"/srv/images/cirros.qcow2", "neither the UUID"},
      {"../../etc/shadow", "neither the UUID"},
      {"ftp://mirror.example/a", "neither the UUID"},
      {"gopher://mirror.example/a", "neither the UUID"},
      {"HTTP://mirror.example/a", "neither the UUID"},
      {"json:{\"driver\":\"raw\"}", "neither the UUID"},
      {"nbd://mirror.example/a", "neither the UUID"},
      {"https:/mirror.example/a", "neither the UUID"},
      {"https://", "has no host"},
      {"http:///a", "has no host"},
      {"file://mirror.example/a", "three slashes"},
      {"file:/srv/a", "neither the UUID"},
      {"file://", "three slashes"},
      {"file:///", "names a file"},
      {"file:///srv/../etc/shadow", "no '..'"},
      {"file:///..", "no '..'"},
      {"file:///srv/..", "no '..'"},
      {"https://mirror.example/a b", "blanks or control"},
      {"https://mirror.example/a\r\nHost: b", "blanks or control"},
      {"https://mirror.example/\x1b[2J", "blanks or control"},
      {std::string("https://mirror.example/\0a", 25), "blanks or control"},
      {"https://mirror.example/\x7f", "blanks or control"},
      {" 70a599e0-31e7-49b7-b260-868f441e862b", "blanks or control"},
  };
  for (const auto& row : rows) {
    const auto& text = row.first;
    const auto& reason = row.second;
    CAPTURE(text);
    CAPTURE(reason);
    const Error error = refusal_of(text);
    CAPTURE(error.message());
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message().starts_with("image_ref: "));
    CHECK(error.message().find(reason) != std::string::npos);
    CHECK(error.fields().at(0) == std::pair<std::string, std::string>{"field", "image_ref"});
  }
}

TEST_CASE("an image ref may have 2048 bytes and not one more") {
  const std::string longest = kHost + std::string(2048 - kHost.size(), 'a');
  CHECK(ImageRef::parse(longest, "image_ref").text() == longest);
  const Error error = refusal_of(longest + "a");
  CHECK(error.message().find("longer than 2048 bytes") != std::string::npos);
  CHECK(error.message().size() < 300);  // it isn't repeated whole
}

TEST_CASE("what is shown of a URL has no credentials and no values of its query") {
  const ImageRef ref = ImageRef::parse("https://user:secret@mirror.example/a?token=hidden", "image_ref");
  CHECK(ref.shown().find("secret") == std::string::npos);
  CHECK(ref.shown().find("hidden") == std::string::npos);
  CHECK(ref.shown().find("mirror.example/a") != std::string::npos);
  CHECK(ref.text().find("secret") != std::string::npos);
}

TEST_CASE("a refused URL doesn't show its credentials either") {
  const Error error = refusal_of("https://user:secret@mirror.example/a b?token=hidden");
  CHECK(error.message().find("secret") == std::string::npos);
  CHECK(error.message().find("hidden") == std::string::npos);
}

TEST_CASE("a registry's UUID is shown as it is") {
  const std::string uuid = "70a599e0-31e7-49b7-b260-868f441e862b";
  CHECK(ImageRef::parse(uuid, "image_ref").shown() == uuid);
}
