#include "backends/glance/glance_v1.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

const std::string kContent = "the bytes of an image";

std::string headers(const std::string& status) {
  return fmt::format(
      "x-image-meta-id: {}\r\nx-image-meta-name: old\r\nX-Image-Meta-Status: {}\r\nx-image-meta-size: {}\r\n"
      "x-image-meta-checksum: {}\r\nx-image-meta-disk_format: raw\r\nx-image-meta-property-os_distro: debian\r\n",
      kActiveId, status, kContent.size(), hex_digest(DigestAlgorithm::md5, kContent));
}

struct V1Story : Story {
  explicit V1Story(const ScriptedServer& server, std::vector<std::string> registries = {})
      : Story(server), source(client, std::move(registries)) {}

  model::ImageRecord describe(const std::string& ref = kActiveId) {
    return source.describe(model::ImageRef::parse(ref, "image_ref"), op);
  }

  GlanceV1 source;
};

}  // namespace

TEST_CASE("an image of version 1 is described by headers, and fetched") {
  ScriptedServer server({{.bytes = "HTTP/1.1 200 OK\r\n" + headers("active") + "Content-Length: 0\r\n\r\n"},
                         answer(200, kContent, headers("active"))});
  V1Story story(server);
  const model::ImageRecord record = story.describe();
  CHECK(record.name == "old");
  CHECK(record.size == Bytes{kContent.size()});
  CHECK(record.digest->algorithm == DigestAlgorithm::md5);
  CHECK(record.properties == std::map<std::string, std::string>{{"os_distro", "debian"}});
  KeptImage sink;
  story.source.fetch(record, sink, story.op);
  CHECK(sink.bytes == kContent);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].has("HEAD /v1/images/" + kActiveId + " HTTP/1.1\r\n"));
  CHECK(requests[1].has("GET /v1/images/" + kActiveId + " HTTP/1.1\r\n"));
  CHECK(requests[1].has("X-Auth-Token: first-token\r\n"));
}

TEST_CASE("the old registry is asked for records where there is one, the image service for bytes") {
  ScriptedServer registry(
      {answer(200, fmt::format(R"({{"image": {{"id": "{}", "name": "old", "status": "active",
      "size": {}, "checksum": "{}", "is_public": true, "deleted": false, "properties": {{}}}}}})",
                               kActiveId, kContent.size(), hex_digest(DigestAlgorithm::md5, kContent)))});
  ScriptedServer server({answer(200, kContent)});
  V1Story story(server, {base_url(registry)});
  const model::ImageRecord record = story.describe();
  CHECK(record.name == "old");
  KeptImage sink;
  story.source.fetch(record, sink, story.op);
  CHECK(sink.bytes == kContent);
  CHECK(registry.requests().at(0).has("GET /images/" + kActiveId + " HTTP/1.1\r\n"));
  CHECK_FALSE(registry.requests().at(0).has("X-Auth-Token"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("of version 1 too only an active image is fetched") {
  ScriptedServer server({{.bytes = "HTTP/1.1 200 OK\r\n" + headers("pending_delete") + "Content-Length: 0\r\n\r\n"}});
  V1Story story(server);
  CHECK(code_of([&] { (void)story.describe(); }) == ErrorCode::image_not_found);
}

TEST_CASE("an image of version 1 that isn't there isn't found") {
  ScriptedServer server({{.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}});
  V1Story story(server);
  CHECK(code_of([&] { (void)story.describe(); }) == ErrorCode::image_not_found);
}

TEST_CASE("an answer about another image of version 1 isn't taken for the one asked for") {
  std::string other = headers("active");
  other.replace(other.find(kActiveId), kActiveId.size(), "0c1d2e3f-0000-4000-8000-00000000000b");
  ScriptedServer server({{.bytes = "HTTP/1.1 200 OK\r\n" + other + "Content-Length: 0\r\n\r\n"}});
  V1Story story(server);
  CHECK(code_of([&] { (void)story.describe(); }) == ErrorCode::source_unavailable);
}

TEST_CASE("version 1 knows no hrefs") {
  ScriptedServer server({});
  V1Story story(server);
  CHECK(code_of([&] { (void)story.describe("http://a/v2/images/" + kActiveId); }) == ErrorCode::invalid_request);
  CHECK(server.requests().empty());
}
