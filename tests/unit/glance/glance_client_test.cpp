#include "backends/glance/glance_client.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

const GlanceCall kShow{.doing = "show image 'x'", .path = "/v2/images/x"};

}  // namespace

TEST_CASE("our token goes along with a request") {
  ScriptedServer server({answer(200, "yes")});
  Story story(server);
  CHECK(story.client.call(kShow, story.op).body == "yes");
  const auto requests = server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].has("GET /v2/images/x HTTP/1.1\r\n"));
  CHECK(requests[0].has("X-Auth-Token: first-token\r\n"));
}

TEST_CASE("servers that want no token get none") {
  ScriptedServer server({answer(200, "yes")});
  Story story(server);
  story.endpoints.tokens.clear();
  (void)story.client.call(kShow, story.op);
  CHECK_FALSE(server.requests().at(0).has("X-Auth-Token"));
}

TEST_CASE("a refused token is renewed once") {
  ScriptedServer server({answer(401, "expired"), answer(200, "yes")});
  Story story(server);
  CHECK(story.client.call(kShow, story.op).body == "yes");
  CHECK(story.endpoints.refusals == 1);
  CHECK(server.requests().at(1).has("X-Auth-Token: second-token\r\n"));
}

TEST_CASE("when the new token is refused too, that is the answer") {
  ScriptedServer server({answer(401, "no"), answer(401, "no")});
  Story story(server);
  CHECK(code_of([&] { (void)story.client.call(kShow, story.op); }) == ErrorCode::source_unauthorized);
  CHECK(server.requests().size() == 2);
  CHECK(story.endpoints.refusals == 1);
}

TEST_CASE("the requester's own token goes before ours and is never renewed") {
  ScriptedServer server({answer(401, "no")});
  Story story(server);
  story.op.set_transfers({.token = Secret("theirs"), .bytes_per_second = {}});
  CHECK(code_of([&] { (void)story.client.call(kShow, story.op); }) == ErrorCode::source_unauthorized);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].has("X-Auth-Token: theirs\r\n"));
  CHECK(story.endpoints.refusals == 0);
}

TEST_CASE("a server that fails is followed by the next one") {
  ScriptedServer broken({answer(503, "down")});
  ScriptedServer sound({answer(200, "yes")});
  Story story({base_url(broken), base_url(sound)});
  CHECK(story.client.call(kShow, story.op).body == "yes");
  CHECK(broken.requests().size() == 1);
  CHECK(sound.requests().size() == 1);
}

TEST_CASE("which server is asked first is left to chance") {
  ScriptedServer one({});
  ScriptedServer other({answer(200, "yes")});
  Story story({base_url(one), base_url(other)});
  GlanceClient client(story.http, story.endpoints, {.random = [](std::size_t) { return std::size_t{0}; }});
  CHECK(client.call(kShow, story.op).body == "yes");
  CHECK(one.requests().empty());
}

TEST_CASE("a random number is below its limit") {
  for (std::size_t limit = 1; limit < 20; ++limit) CHECK(random_below(limit) < limit);
}

TEST_CASE("an error says what was being done, and at which server") {
  ScriptedServer server({answer(404, kNotFoundPage)});
  Story story(server);
  const auto error = error_of([&] { (void)story.client.call(kShow, story.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::image_not_found);
  CHECK(contains(error->message(), "cannot show image 'x' at Glance '" + base_url(server) + "': "));
  CHECK(contains(error->message(), "No image found with ID"));
}

TEST_CASE("a server that isn't there is told as such") {
  Story story({"http://127.0.0.1:1"});
  const auto error = error_of([&] { (void)story.client.call(kShow, story.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::source_unavailable);
  CHECK(contains(error->message(), "cannot show image 'x': "));
}

TEST_CASE("no token leaves in an error") {
  ScriptedServer server({answer(500, "why"), answer(500, "why"), answer(500, "why")});
  Story story(server);
  const auto error = error_of([&] { (void)story.client.call(kShow, story.op); });
  REQUIRE(error);
  CHECK_FALSE(contains(error->message(), "token"));
  for (const auto& field : error->fields()) CHECK_FALSE(contains(field.second, "token"));
}

TEST_CASE("a server's words are not told where they repeat a token") {
  ScriptedServer server({answer(403, "no entry with first-token for you"), answer(403, "no entry for you")});
  Story story(server);
  const auto silenced = error_of([&] { (void)story.client.call(kShow, story.op); });
  REQUIRE(silenced);
  CHECK_FALSE(contains(silenced->message(), "no entry"));
  CHECK(says(error_of([&] { (void)story.client.call(kShow, story.op); }), "no entry for you"));
}

TEST_CASE("nor is a record taken that holds the token") {
  const std::string token = "gAAAAABtoken-of-many-bytes";
  ScriptedServer server({answer(200, R"({"id": ")" + token + R"("})")});
  Story story(server);
  story.endpoints.tokens = {token};
  CHECK(story.client.call(kShow, story.op).body.empty());
}

TEST_CASE("a final slash of a base URL is not doubled") {
  ScriptedServer server({answer(200, "yes")});
  Story story({base_url(server) + "/image/"});
  (void)story.client.call(kShow, story.op);
  CHECK(server.requests().at(0).has("GET /image/v2/images/x HTTP/1.1\r\n"));
}

TEST_CASE("a server that is named gets our token only when it is one of ours") {
  ScriptedServer ours({answer(200, "yes")});
  ScriptedServer other({answer(200, "yes")});
  Story story(ours);
  GlanceCall call = kShow;
  call.servers = {base_url(ours) + "/"};
  (void)story.client.call(call, story.op);
  CHECK(ours.requests().at(0).has("X-Auth-Token: first-token\r\n"));
  call.servers = {base_url(other)};
  (void)story.client.call(call, story.op);
  CHECK_FALSE(other.requests().at(0).has("X-Auth-Token"));
}

TEST_CASE("nor does the requester's token go to a server that somebody names") {
  ScriptedServer other({answer(401, "no")});
  Story story({"http://127.0.0.1:1"});
  story.op.set_transfers({.token = Secret("theirs"), .bytes_per_second = {}});
  GlanceCall call = kShow;
  call.servers = {base_url(other)};
  const auto error = error_of([&] { (void)story.client.call(call, story.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::source_unauthorized);
  CHECK(contains(error->hint(), "api_servers"));
  REQUIRE(other.requests().size() == 1);
  CHECK_FALSE(other.requests()[0].has("X-Auth-Token"));
  CHECK(story.endpoints.refusals == 0);
}

TEST_CASE("a trusted server gets our token") {
  ScriptedServer registry({answer(200, "yes")});
  Story story({"http://127.0.0.1:1"});
  GlanceClient client(story.http, story.endpoints, {.trusted_servers = {base_url(registry)}});
  GlanceCall call = kShow;
  call.servers = {base_url(registry)};
  (void)client.call(call, story.op);
  CHECK(registry.requests().at(0).has("X-Auth-Token: first-token\r\n"));
}
