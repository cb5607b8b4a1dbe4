#include "backends/glance/image_uploader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;
using namespace basecache::test;

namespace {

const std::string kContent = "the bytes of an image";

const Reply kBreakOff{.bytes = "", .then = Reply::Then::close};

std::string record(const std::string& status, const std::string& size, const std::string& algorithm,
                   const std::string& hash) {
  return fmt::format(
      R"({{"id": "{}", "name": "empty", "disk_format": "qcow2", "container_format": "bare", "status": "{}",
           "size": {}, "os_hash_algo": "{}", "os_hash_value": "{}"}})",
      kQueuedId, status, size, algorithm, hash);
}

Reply uploaded() {
  return answer(
      200, record("active", std::to_string(kContent.size()), "sha512", hex_digest(DigestAlgorithm::sha512, kContent)));
}

Reply still(const std::string& status) { return answer(200, with_status(kQueued, "queued", status)); }

struct UploadStory : Story {
  explicit UploadStory(const ScriptedServer& server) : Story(server) { write_file(scratch / "image", kContent); }

  GlanceImage upload() {
    HashedUpload body(scratch / "image", kQueuedId, op);
    return ImageUploader(client, kAtOnce).upload(kQueuedId, body, op);
  }
  GlanceImage import_image() {
    HashedUpload body(scratch / "image", kQueuedId, op);
    const NewImage image{.id = id, .name = "empty", .disk_format = "qcow2"};
    return ImageUploader(client, kAtOnce).import_image(image, body, op);
  }

  ScratchDir scratch;
  std::string id = kQueuedId;
};

std::string last_request_line(const ScriptedServer& server) {
  const std::string head = server.requests().back().head;
  return head.substr(0, head.find(" HTTP/1.1\r\n"));
}

}  // namespace

TEST_CASE("an upload is chunked, and compared with the record afterwards") {
  ScriptedServer server({answer(204, ""), uploaded()});
  UploadStory story(server);
  CHECK(story.upload().status == "active");
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].has("PUT /v2/images/" + kQueuedId + "/file HTTP/1.1\r\n"));
  CHECK(requests[0].has("Content-Type: application/octet-stream\r\n"));
  CHECK(requests[0].has("Transfer-Encoding: chunked\r\n"));
  CHECK(requests[0].body == kContent);
}

TEST_CASE("a record of another size or checksum than was sent is refused") {
  const std::string right_hash = hex_digest(DigestAlgorithm::sha512, kContent);
  const std::string wrong_hash = hex_digest(DigestAlgorithm::sha512, "other bytes");
  for (const std::string& found :
       {record("active", "5", "sha512", right_hash), record("active", "21", "sha512", wrong_hash)}) {
    CAPTURE(found);
    ScriptedServer server({answer(204, ""), answer(200, found)});
    UploadStory story(server);
    CHECK(code_of([&] { (void)story.upload(); }) == ErrorCode::checksum_mismatch);
  }
}

TEST_CASE("a registry that hashes by another algorithm is compared by that one") {
  const auto with_sha256 = [](const std::string& content) {
    return answer(200, record("active", "21", "sha256", hex_digest(DigestAlgorithm::sha256, content)));
  };
  ScriptedServer right({answer(204, ""), with_sha256(kContent)});
  CHECK_NOTHROW((void)UploadStory(right).upload());
  ScriptedServer wrong({answer(204, ""), with_sha256("other bytes")});
  CHECK(code_of([&] { (void)UploadStory(wrong).upload(); }) == ErrorCode::checksum_mismatch);
}

TEST_CASE("an upload that breaks off is made again when the record is queued again") {
  ScriptedServer server({kBreakOff, still("queued"), answer(204, ""), uploaded()});
  UploadStory story(server);
  CHECK(story.upload().status == "active");
  CHECK(server.requests().at(2).body == kContent);
}

TEST_CASE("a registry that hasn't noticed yet that the upload broke off is asked again") {
  ScriptedServer server({kBreakOff, still("saving"), still("queued"), answer(204, ""), uploaded()});
  CHECK_NOTHROW((void)UploadStory(server).upload());
}

TEST_CASE("an upload that is refused for a moment is made again") {
  ScriptedServer server({answer(503, "busy"), still("queued"), answer(204, ""), uploaded()});
  CHECK_NOTHROW((void)UploadStory(server).upload());
}

TEST_CASE("an upload of which only the answer was lost has succeeded") {
  ScriptedServer server({kBreakOff, uploaded()});
  CHECK(UploadStory(server).upload().status == "active");
}

TEST_CASE("an upload that killed the record, or left it saving, is not made again") {
  for (const char* status : {"killed", "saving"}) {
    CAPTURE(status);
    ScriptedServer server({kBreakOff, still(status), still(status), still(status)});
    UploadStory story(server);
    const auto error = error_of([&] { (void)story.upload(); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::source_unavailable);
    CHECK(contains(error->hint(), status));
  }
}

TEST_CASE("an upload that is refused for good is not made again") {
  ScriptedServer server({answer(413, "too large"), still("queued")});
  UploadStory story(server);
  const auto error = error_of([&] { (void)story.upload(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_request);
  CHECK(contains(error->message(), "too large"));
  CHECK(server.requests().size() == 2);
}

TEST_CASE("an upload to an image that has its bytes already is refused, not taken for a lost answer") {
  ScriptedServer server({answer(409, "no transition from active to saving"), uploaded()});
  CHECK(code_of([&] { (void)UploadStory(server).upload(); }) == ErrorCode::in_use);
}

TEST_CASE("an upload gives up after as many attempts as are allowed") {
  ScriptedServer server({answer(503, "busy 1"), still("queued"), answer(503, "busy 2"), still("queued"),
                         answer(503, "busy 3"), still("queued")});
  UploadStory story(server);
  const auto error = error_of([&] { (void)story.upload(); });
  REQUIRE(error);
  CHECK(contains(error->message(), "busy 3"));
  CHECK(server.requests().size() == 6);
}

TEST_CASE("a token that is refused for an upload is renewed, and the upload made with the new one") {
  ScriptedServer server({answer(401, "expired"), answer(204, ""), uploaded()});
  UploadStory story(server);
  CHECK_NOTHROW((void)story.upload());
  CHECK(story.endpoints.refusals == 1);
  CHECK(server.requests().at(1).has("X-Auth-Token: second-token\r\n"));
}

TEST_CASE("an import creates the record and uploads") {
  ScriptedServer server({answer(200, kSchema), answer(201, kQueued), answer(204, ""), uploaded()});
  CHECK(UploadStory(server).import_image().status == "active");
}

TEST_CASE("an import that fails deletes the record it made, and only that") {
  ScriptedServer made(
      {answer(200, kSchema), answer(201, kQueued), answer(413, "too large"), still("queued"), answer(204, "")});
  CHECK(code_of([&] { (void)UploadStory(made).import_image(); }) == ErrorCode::invalid_request);
  CHECK(last_request_line(made) == "DELETE /v2/images/" + kQueuedId);

  const std::string there_before = with_status(kQueued, "queued", "queued");
  ScriptedServer found({answer(200, kSchema), answer(409, "taken"), answer(200, there_before), answer(413, "too large"),
                        still("queued")});
  CHECK(code_of([&] { (void)UploadStory(found).import_image(); }) == ErrorCode::invalid_request);
  CHECK(last_request_line(found) == "GET /v2/images/" + kQueuedId);
}

TEST_CASE("a record that can't be deleted after a failed import is named") {
  ScriptedServer server({answer(200, kSchema), answer(201, kQueued), answer(413, "too large"), still("queued"),
                         answer(403, "protected")});
  UploadStory story(server);
  const auto error = error_of([&] { (void)story.import_image(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::invalid_request);
  CHECK(contains(error->hint(), kQueuedId));
}

TEST_CASE("a record that is gone when a failed import would delete it leaves nothing to do") {
  ScriptedServer server(
      {answer(200, kSchema), answer(201, kQueued), answer(413, "too large"), still("queued"), answer(404, "gone")});
  UploadStory story(server);
  const auto error = error_of([&] { (void)story.import_image(); });
  REQUIRE(error);
  CHECK_FALSE(contains(error->hint(), kQueuedId));
}

TEST_CASE("an import that is cancelled deletes the record it made") {
  ScriptedServer server({answer(200, kSchema), answer(201, kQueued), answer(204, "")});
  std::stop_source stop;
  UploadStory story(server);
  story.op = test_operation(stop.get_token(), [&](const Progress&) { stop.request_stop(); });
  CHECK_THROWS_AS((void)story.import_image(), Cancelled);
  CHECK(last_request_line(server) == "DELETE /v2/images/" + kQueuedId);
}

TEST_CASE("a record that an unclear answer may have made is deleted, if its id is a new one") {
  for (const Reply& unclear :
       {answer(201, "{}"), answer(502, "lost"), Reply{.bytes = "", .then = Reply::Then::close}}) {
    ScriptedServer server({answer(200, kSchema), unclear, unclear, unclear, unclear, answer(204, "")});
    UploadStory story(server);
    story.id.clear();
    REQUIRE(error_of([&] { (void)story.import_image(); }));
    CHECK(last_request_line(server).starts_with("DELETE /v2/images/"));
  }
}

TEST_CASE("a record that was refused, or has an id that its user named, isn't deleted") {
  for (const auto& [id, refusal] :
       {std::pair<std::string, Reply>{"", answer(403, "no")}, {kQueuedId, answer(502, "")}}) {
    ScriptedServer server({answer(200, kSchema), refusal, refusal, refusal, refusal});
    UploadStory story(server);
    story.id = id;
    REQUIRE(error_of([&] { (void)story.import_image(); }));
    CHECK(last_request_line(server).starts_with("POST /v2/images"));
  }
}

TEST_CASE("bytes that are written while they are sent are no image") {
  ScriptedServer server({});
  for (const std::string& content : {kContent + "more", kContent.substr(1), std::string(kContent.size(), 'y')}) {
    UploadStory story(server);
    boost::filesystem::last_write_time(story.scratch / "image", 1'000'000'000);
    HashedUpload body(story.scratch / "image", "x", story.op);
    std::vector<std::byte> room(10);
    (void)body.read(room);
    write_file(story.scratch / "image", content);
    const auto read_all = [&] {
      while (body.read(room) > 0) continue;
    };
    CHECK(code_of(read_all) == ErrorCode::in_use);
  }
}

TEST_CASE("how far an upload is, is told") {
  ScriptedServer server({answer(204, ""), uploaded()});
  UploadStory story(server);
  std::vector<Progress> told;
  story.op = test_operation({}, [&](const Progress& progress) { told.push_back(progress); });
  (void)story.upload();
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().step == "upload");
  CHECK(told.back().subject == kQueuedId);
  CHECK(told.back().done == kContent.size());
  CHECK(told.back().total == kContent.size());
}

TEST_CASE("only a regular file is uploaded, and a fifo doesn't hold us") {
  const ScratchDir scratch;
  const OpContext op = test_operation();
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  CHECK(code_of([&] { HashedUpload(scratch / "fifo", "x", op); }) == ErrorCode::invalid_request);
}
