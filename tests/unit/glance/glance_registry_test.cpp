#include "backends/glance/glance_registry.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

// More than what has to come before a broken transfer counts as having brought something.
const std::string kContent(200'000, 'x');
constexpr std::size_t kFirstPart = 100'000;

std::string record() {
  return fmt::format(
      R"({{"id": "{}", "name": "n", "status": "active", "disk_format": "raw", "size": {}, "os_hash_algo": "sha512",
           "os_hash_value": "{}", "locations": [{{"url": "swift+https://store/images/1", "metadata": {{}}}}]}})",
      kActiveId, kContent.size(), hex_digest(DigestAlgorithm::sha512, kContent));
}

Reply broken_off() {
  return {.bytes = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kContent.size()) +
                   kContent.substr(0, kFirstPart),
          .then = Reply::Then::close};
}

Reply the_rest() {
  return answer(206, kContent.substr(kFirstPart),
                fmt::format("Content-Range: bytes {}-{}/{}\r\n", kFirstPart, kContent.size() - 1, kContent.size()));
}

struct RegistryStory : Story {
  using Story::Story;

  model::ImageRecord describe(const std::string& ref = kActiveId) {
    return registry.describe(model::ImageRef::parse(ref, "image_ref"), op);
  }
  void fetch(const model::ImageRecord& described) { registry.fetch(described, sink, op); }

  GlanceRegistry registry{client};
  KeptImage sink;
};

}  // namespace

TEST_CASE("an active image is described, and fetched through the service") {
  ScriptedServer server({answer(200, record()), answer(200, kContent)});
  RegistryStory story(server);
  const model::ImageRecord described = story.describe();
  CHECK(described.name == "n");
  CHECK(described.size == Bytes{kContent.size()});
  story.fetch(described);
  CHECK((story.sink.bytes == kContent));
  CHECK(story.sink.transfer.version == described.digest->text());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].has("GET /v2/images/" + kActiveId + "/file HTTP/1.1\r\n"));
  CHECK(requests[1].has("X-Auth-Token: first-token\r\n"));
}

TEST_CASE("an image that isn't active isn't described") {
  for (const char* status : {"queued", "saving", "deactivated", "killed"}) {
    CAPTURE(status);
    ScriptedServer server({answer(200, with_status(kQueued, "queued", status))});
    RegistryStory story(server);
    const auto error = error_of([&] { (void)story.describe(kQueuedId); });
    REQUIRE(error);
    CHECK(field_of(*error, "status") == status);
  }
}

TEST_CASE("an image that isn't there isn't found") {
  ScriptedServer server({answer(404, kNotFoundPage)});
  RegistryStory story(server);
  CHECK(code_of([&] { (void)story.describe(); }) == ErrorCode::image_not_found);
}

TEST_CASE("a transfer that breaks off goes on at the next server") {
  ScriptedServer first({answer(200, record()), broken_off()});
  ScriptedServer second({the_rest()});
  RegistryStory story({base_url(first), base_url(second)});
  story.fetch(story.describe());
  CHECK((story.sink.bytes == kContent));
  CHECK(story.sink.starts == 1);
  CHECK(second.requests().at(0).has(fmt::format("Range: bytes={}-\r\n", kFirstPart)));
}

TEST_CASE("a token that is refused in the middle is renewed, and the transfer goes on") {
  ScriptedServer server({answer(200, record()), broken_off(), answer(401, "expired"), the_rest()});
  RegistryStory story(server);
  story.fetch(story.describe());
  CHECK((story.sink.bytes == kContent));
  CHECK(story.sink.starts == 1);
  CHECK(story.endpoints.refusals == 1);
  CHECK(server.requests().at(3).has("X-Auth-Token: second-token\r\n"));
}

TEST_CASE("a token that is refused twice ends the transfer") {
  ScriptedServer server({answer(200, record()), answer(401, "no"), answer(401, "no")});
  RegistryStory story(server);
  const auto described = story.describe();
  CHECK(code_of([&] { story.fetch(described); }) == ErrorCode::source_unauthorized);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("an image without data is told as such") {
  ScriptedServer server({answer(200, record()), answer(204, "")});
  RegistryStory story(server);
  const auto described = story.describe();
  const auto error = error_of([&] { story.fetch(described); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::source_unavailable);
  CHECK(contains(error->message(), "has no data"));
}

TEST_CASE("a href is asked at its server, without our token") {
  ScriptedServer other({answer(200, record()), answer(200, kContent)});
  RegistryStory story({"http://127.0.0.1:1"});
  const auto described = story.describe(base_url(other) + "/v2/images/" + kActiveId);
  CHECK(described.ref.text() == base_url(other) + "/v2/images/" + kActiveId);
  CHECK(described.locations.empty());  // which our rights, not those of who runs that server, would open
  story.fetch(described);
  CHECK((story.sink.bytes == kContent));
  for (const Received& request : other.requests()) CHECK_FALSE(request.has("X-Auth-Token"));
}

TEST_CASE("a href of one of our servers is asked with our token") {
  ScriptedServer server({answer(200, record())});
  RegistryStory story(server);
  const auto described = story.describe(base_url(server) + "/v2/images/" + kActiveId);
  CHECK(described.locations == std::vector<std::string>{"swift+https://store/images/1"});
  CHECK(server.requests().at(0).has("X-Auth-Token: first-token\r\n"));
}
