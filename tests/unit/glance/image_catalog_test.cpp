#include "backends/glance/image_catalog.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

std::string record(std::string_view id) { return fmt::format(R"({{"id": "{}", "status": "active"}})", id); }

std::string page(std::string_view records, bool is_last) {
  return fmt::format(R"({{"images": [{}], "first": "/v2/images"{}}})", records,
                     is_last ? "" : R"(, "next": "/v2/images?marker=of-glance")");
}

std::vector<std::string> ids_of(const ImageList& list) {
  std::vector<std::string> ids;
  for (const GlanceImage& image : list.images) ids.push_back(image.id);
  return ids;
}

}  // namespace

TEST_CASE("an image is shown") {
  ScriptedServer server({answer(200, kActive)});
  Story story(server);
  CHECK(ImageCatalog(story.client).show(kActiveId, story.op).name == "qcow2");
  CHECK(server.requests().at(0).has("GET /v2/images/" + kActiveId + " HTTP/1.1\r\n"));
}

TEST_CASE("the record of another image than was asked for is refused") {
  ScriptedServer server({answer(200, kQueued)});
  Story story(server);
  CHECK(code_of([&] { (void)ImageCatalog(story.client).show(kActiveId, story.op); }) == ErrorCode::source_unavailable);
}

TEST_CASE("a list is read page by page, each behind the last image of the one before") {
  ScriptedServer server({answer(200, page(record("a") + "," + record("b"), false)),
                         answer(200, page(record("c"), false)), answer(200, page("", true))});
  Story story(server);
  CHECK(ids_of(ImageCatalog(story.client).list({.status = "active"}, story.op)) ==
        std::vector<std::string>{"a", "b", "c"});
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].has("GET /v2/images?limit=100&status=active HTTP/1.1\r\n"));
  CHECK(requests[1].has("GET /v2/images?limit=100&status=active&marker=b HTTP/1.1\r\n"));
  CHECK(requests[2].has("GET /v2/images?limit=100&status=active&marker=c HTTP/1.1\r\n"));
}

TEST_CASE("no more is asked for than is wanted, and no more given") {
  ScriptedServer server({answer(200, page(record("a") + "," + record("b"), false)),
                         answer(200, page(record("c") + "," + record("d"), false))});
  Story story(server);
  CHECK(ids_of(ImageCatalog(story.client).list({.limit = 3}, story.op)) == std::vector<std::string>{"a", "b", "c"});
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].has("?limit=3 "));
  CHECK(requests[1].has("?limit=1&marker=b "));
}

TEST_CASE("a server that gives the same page forever doesn't hold us") {
  ScriptedServer server({answer(200, page(record("a"), false)), answer(200, page(record("a"), false))});
  Story story(server);
  CHECK_NOTHROW((void)ImageCatalog(story.client).list({}, story.op));
  CHECK(server.requests().size() == 2);
}

TEST_CASE("nor does one that goes round") {
  ScriptedServer server({answer(200, page(record("a"), false)), answer(200, page(record("b"), false)),
                         answer(200, page(record("a"), false))});
  Story story(server);
  CHECK_NOTHROW((void)ImageCatalog(story.client).list({}, story.op));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("nor does one that has always more") {
  constexpr int kPages = 101;
  std::vector<Reply> answers;
  for (int number = 0; number < kPages; ++number) {
    std::string records = record(fmt::format("{}-0", number));
    for (int i = 1; i < 1000; ++i) records += "," + record(fmt::format("{}-{}", number, i));
    answers.push_back(answer(200, page(records, false)));
  }
  ScriptedServer server(std::move(answers));
  Story story(server);
  const auto error = error_of([&] { (void)ImageCatalog(story.client).list({}, story.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::source_unavailable);
  CHECK(contains(error->message(), "more than 100000 images"));
  CHECK(server.requests().size() == kPages);
}

TEST_CASE("a page may be longer than a record") {
  const std::string text(40'000, 'x');
  std::string records;
  for (int i = 0; i < 50; ++i) {
    records += fmt::format(R"({}{{"id": "{}", "status": "active", "p": "{}"}})", i == 0 ? "" : ",", i, text);
  }
  ScriptedServer server({answer(200, page(records, true))});
  Story story(server);
  CHECK(ImageCatalog(story.client).list({}, story.op).images.size() == 50);
}

TEST_CASE("a record that can't be read is named beside the others") {
  ScriptedServer server({answer(200, page(record("a") + R"(, {"id": "b", "status": "active", "size": "much"})", false)),
                         answer(200, page(R"(5, {"status": "active"}, {"id": 7}, )" + record("c"), true))});
  Story story(server);
  const ImageList list = ImageCatalog(story.client).list({}, story.op);
  CHECK(ids_of(list) == std::vector<std::string>{"a", "c"});
  REQUIRE(list.damaged.size() == 4);
  CHECK(list.damaged[0].id == "b");
  CHECK(contains(list.damaged[0].why, "size"));
  CHECK(list.damaged[1].id.empty());
  CHECK(list.damaged[2].id.empty());
  CHECK(list.damaged[3].id.empty());
  CHECK(server.requests().at(1).has("marker=b "));
}

TEST_CASE("a server that lists ever more records that can't be read doesn't hold us") {
  constexpr int kPages = 101;
  std::vector<Reply> answers;
  for (int number = 0; number < kPages; ++number) {
    std::string records = fmt::format(R"({{"id": "{}"}})", number);
    for (int i = 1; i < 1000; ++i) records += ",5";
    answers.push_back(answer(200, page(records, false)));
  }
  ScriptedServer server(std::move(answers));
  Story story(server);
  const auto error = error_of([&] { (void)ImageCatalog(story.client).list({.limit = 5}, story.op); });
  REQUIRE(error);
  CHECK(contains(error->message(), "more than 100000 images"));
}

TEST_CASE("what is no list is the registry's fault") {
  for (const char* body : {"[]", R"({"images": 5})", "<html>"}) {
    CAPTURE(body);
    ScriptedServer server({answer(200, body)});
    Story story(server);
    CHECK(code_of([&] { (void)ImageCatalog(story.client).list({}, story.op); }) == ErrorCode::source_unavailable);
  }
}

TEST_CASE("the members of an image are listed") {
  ScriptedServer server({answer(200, R"({"members": [{"image_id": "i", "member_id": "m", "status": "pending",
      "created_at": "2026-11-20T23:49:03Z", "updated_at": "2026-11-20T23:49:03Z", "schema": "/v2/schemas/member"}],
      "schema": "/v2/schemas/members"})")});
  Story story(server);
  const auto members = ImageCatalog(story.client).members("i", story.op);
  REQUIRE(members.size() == 1);
  CHECK(members[0].member_id == "m");
  CHECK(members[0].status == "pending");
  CHECK(server.requests().at(0).has("GET /v2/images/i/members "));
}

TEST_CASE("the schema is read") {
  ScriptedServer server({answer(200, kSchema)});
  Story story(server);
  CHECK(ImageCatalog(story.client).schema(story.op).disk_formats().size() == 3);
  CHECK(server.requests().at(0).has("GET /v2/schemas/image "));
}
