#include "backends/glance/image_editor.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

using Removal = std::function<void(ImageEditor&, const OpContext&)>;
const std::vector<Removal> kRemovals{
    [](ImageEditor& editor, const OpContext& op) { editor.remove("i", op); },
    [](ImageEditor& editor, const OpContext& op) { editor.remove_tag("i", "t", op); },
    [](ImageEditor& editor, const OpContext& op) { editor.remove_member("i", "m", op); },
};

// What kQueued was made from.
NewImage new_image() { return {.id = kQueuedId, .name = "empty", .disk_format = "qcow2"}; }

const std::string kTaken = R"({"message": "Image ID is in use", "code": "409 Conflict", "title": "Conflict"})";
const std::string kNobody = "http://" + std::string(64, 'x');  // a label beyond 63 bytes: no name server is asked
const Reply kLost{.bytes = "", .then = Reply::Then::close};
const std::string kMember = R"({"image_id": "i", "member_id": "m", "status": "accepted"})";

}  // namespace

TEST_CASE("an image is created, and its request sent as JSON") {
  ScriptedServer server({answer(200, kSchema), answer(201, kQueued), answer(204, "")});
  Story story(server);
  ImageEditor editor(story.client);
  const CreatedImage created = editor.create(new_image(), story.op);
  CHECK(created.is_ours);
  CHECK(created.image.id == kQueuedId);
  editor.remove(kQueuedId, story.op);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].has("POST /v2/images HTTP/1.1\r\n"));
  CHECK(requests[1].has("Content-Type: application/json\r\n"));
  CHECK(requests[1].body == creation_body(new_image()));
  CHECK(requests[2].has("DELETE /v2/images/" + kQueuedId + " "));
}

TEST_CASE("what the registry's schema forbids isn't sent") {
  ScriptedServer server({answer(200, kSchema)});
  Story story(server);
  NewImage image = new_image();
  image.disk_format = "vhdx";
  CHECK(code_of([&] { (void)ImageEditor(story.client).create(image, story.op); }) == ErrorCode::invalid_request);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a creation whose answer was lost has succeeded when the record is there") {
  ScriptedServer server({answer(200, kSchema), kLost, answer(409, kTaken), answer(200, kQueued)});
  Story story(server);
  const CreatedImage created = ImageEditor(story.client).create(new_image(), story.op);
  CHECK(created.image.id == kQueuedId);
  CHECK_FALSE(created.is_ours);
  CHECK(server.requests().size() == 4);
}

TEST_CASE("an id that another image has is told as such") {
  ScriptedServer server({answer(200, kSchema), answer(409, kTaken), answer(200, kQueued)});
  Story story(server);
  NewImage image = new_image();
  image.name = "another";
  const auto error = error_of([&] { (void)ImageEditor(story.client).create(image, story.op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::already_exists);
  CHECK(contains(error->message(), "Image ID is in use"));
}

TEST_CASE("an id that an image has which we can't see is told as such") {
  ScriptedServer server({answer(200, kSchema), answer(409, kTaken), answer(404, kNotFoundPage)});
  Story story(server);
  CHECK(code_of([&] { (void)ImageEditor(story.client).create(new_image(), story.op); }) == ErrorCode::already_exists);
}

TEST_CASE("a creation without an id of ours is not repeated") {
  // On a connection of its own: libcurl itself repeats what was sent on one that had just been closed.
  ScriptedServer server({answer(200, kSchema, "Connection: close\r\n"), kLost});
  Story story(server);
  NewImage image = new_image();
  image.id.clear();
  CHECK(code_of([&] { (void)ImageEditor(story.client).create(image, story.op); }) == ErrorCode::source_unavailable);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("an update is a JSON patch of the image API") {
  ScriptedServer server({answer(200, kActive)});
  Story story(server);
  CHECK(ImageEditor(story.client).update(kActiveId, ImagePatch().set("name", "qcow2"), story.op).name == "qcow2");
  CHECK(server.requests().at(0).has("PATCH /v2/images/" + kActiveId + " HTTP/1.1\r\n"));
  CHECK(server.requests().at(0).has("Content-Type: application/openstack-images-v2.1-json-patch\r\n"));
}

TEST_CASE("tags, members and states are changed where the API has them") {
  ScriptedServer server({answer(204, ""), answer(204, ""), answer(200, kMember), answer(200, kMember), answer(204, ""),
                         answer(204, ""), answer(204, "")});
  Story story(server);
  ImageEditor editor(story.client);
  editor.add_tag("i", "a b", story.op);
  editor.remove_tag("i", "a?b", story.op);
  CHECK(editor.add_member("i", "m", story.op).member_id == "m");
  CHECK(editor.set_member_status("i", "m", "accepted", story.op).status == "accepted");
  editor.remove_member("i", "m", story.op);
  editor.deactivate("i", story.op);
  editor.reactivate("i", story.op);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 7);
  CHECK(requests[0].has("PUT /v2/images/i/tags/a%20b "));
  CHECK(requests[1].has("DELETE /v2/images/i/tags/a%3Fb "));
  CHECK(requests[2].has("POST /v2/images/i/members "));
  CHECK(requests[2].body == R"({"member":"m"})");
  CHECK(requests[3].has("PUT /v2/images/i/members/m "));
  CHECK(requests[3].body == R"({"status":"accepted"})");
  CHECK(requests[4].has("DELETE /v2/images/i/members/m "));
  CHECK(requests[5].has("POST /v2/images/i/actions/deactivate "));
  CHECK(requests[6].has("POST /v2/images/i/actions/reactivate "));
}

TEST_CASE("a tag that Glance would take for another one isn't sent in an address") {
  ScriptedServer server({});
  Story story(server);
  ImageEditor editor(story.client);
  for (const char* tag : {"a/b", "gr\u00fcn", "a\nb", "..", ""}) {
    CAPTURE(tag);
    CHECK(code_of([&] { editor.add_tag("i", tag, story.op); }) == ErrorCode::invalid_request);
    CHECK(code_of([&] { editor.remove_tag("i", tag, story.op); }) == ErrorCode::invalid_request);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("an image in use isn't deleted, and that is said") {
  ScriptedServer server({answer(409, kTaken)});
  Story story(server);
  CHECK(code_of([&] { ImageEditor(story.client).remove("i", story.op); }) == ErrorCode::in_use);
}

TEST_CASE("a removal whose answer was lost has succeeded when there is nothing left to remove") {
  for (const Removal& removal : kRemovals) {
    ScriptedServer server({kLost, answer(404, kNotFoundPage)});
    Story story(server);
    ImageEditor editor(story.client);
    CHECK_NOTHROW(removal(editor, story.op));
    CHECK(server.requests().size() == 2);
  }
}

TEST_CASE("a removal whose answer was lost on a connection that had served before has succeeded as well") {
  ScriptedServer server({answer(204, ""), kLost, answer(404, kNotFoundPage)});
  Story story(server);
  ImageEditor editor(story.client);
  editor.add_tag("i", "t", story.op);
  CHECK_NOTHROW(editor.remove("i", story.op));
}

TEST_CASE("a removal whose answer was lost has succeeded although its token had to be renewed meanwhile") {
  ScriptedServer server({kLost, answer(401, "expired"), answer(404, kNotFoundPage)});
  Story story(server);
  CHECK_NOTHROW(ImageEditor(story.client).remove("i", story.op));
}

TEST_CASE("what was never there can't be removed") {
  for (const Removal& removal : kRemovals) {
    ScriptedServer server({answer(401, "expired"), answer(404, kNotFoundPage)});
    Story story(server);
    ImageEditor editor(story.client);
    CHECK(code_of([&] { removal(editor, story.op); }) == ErrorCode::image_not_found);
  }
}

TEST_CASE("a server that can't be reached has removed nothing") {
  ScriptedServer server({answer(404, kNotFoundPage)});
  Story story(std::vector{kNobody, base_url(server)});
  CHECK(code_of([&] { ImageEditor(story.client).remove("i", story.op); }) == ErrorCode::image_not_found);
}
