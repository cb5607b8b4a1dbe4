#include "backends/registry/location_source.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/registry/received_image.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::registry;

namespace {

const std::string kImage = "the promised bytes";

// The registry's own data path.
class RegistryPath : public fetch::ImageSource {
 public:
  model::ImageRecord describe(const model::ImageRef& ref, OpContext&) override { return {.ref = ref}; }
  void fetch(const model::ImageRecord&, fetch::ImageSink& sink, OpContext&) override {
    ++fetches;
    sink.start({.size = {}, .version = ""});
    sink.write(std::as_bytes(std::span(kImage)));
  }
  int fetches = 0;
};

http::HttpSettings settings(std::vector<std::string> listed_hosts) {
  http::HttpSettings settings;
  settings.retry.retries = 0;
  settings.listed_hosts = std::move(listed_hosts);
  return settings;
}

struct Node {
  explicit Node(std::vector<std::string> schemes, std::vector<std::string> listed_hosts = {"127.0.0.1"})
      : client(library, settings(std::move(listed_hosts))),
        source(registry, client, files, swift, {.allowed_schemes = std::move(schemes)}) {
    sink.expected = kImage;
  }

  // The notes that were made.
  std::string fetch(std::vector<std::string> locations) {
    model::ImageRecord record{.ref = model::ImageRef::parse("0c1d2e3f-0000-4000-8000-00000000000a", "image_ref")};
    record.digest = digest;
    record.locations = std::move(locations);
    OpContext op = test_operation();
    source.fetch(record, sink, op);
    return fmt::format("{}", fmt::join(op.notes(), "\n"));
  }
  bool used_registry() const { return registry.fetches == 1; }

  ScratchDir scratch;
  std::optional<Digest> digest = Digest{};
  RegistryPath registry;
  http::HttpLibrary library;
  http::HttpClient client;
  FileUrls files{{scratch.path()}};
  SwiftStore swift{client, nullptr, {}};
  LocationSource source;
  ReceivedImage sink;
};

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("only schemes that the operator allows are tried") {
  Node node({});
  write_file(node.scratch / "image", kImage);
  CHECK(node.fetch({"file://" + (node.scratch / "image").native()}).empty());
  CHECK(node.used_registry());
}

TEST_CASE("an allowed file is read in place, also when its record calls it filesystem") {
  for (const std::string scheme : {"file", "filesystem"}) {
    Node node({scheme});
    write_file(node.scratch / "image", kImage);
    CHECK(node.fetch({scheme + "://" + (node.scratch / "image").native()}).empty());
    CHECK_FALSE(node.used_registry());
    CHECK(node.sink.bytes == kImage);
  }
}

TEST_CASE("a location that fails is noted and followed by the next, at last by the registry") {
  Node node({"file", "http", "rbd"});
  ScriptedServer wrong({answer(200, "other bytes of a store")});
  ScriptedServer missing({answer(404, "")});
  const std::string notes =
      node.fetch({"rbd://fsid/images/1/snap", "file:///etc/passwd", wrong.url(), missing.url("a?signature=SECRET")});
  CHECK(holds(notes, "'rbd://fsid/images/1/snap' was passed over: nothing here reads 'rbd'"));
  CHECK(holds(notes, "'file:///etc/passwd' failed: "));
  CHECK(holds(notes, "not the promised bytes"));
  CHECK(holds(notes, "status 404"));
  CHECK_FALSE(holds(notes, "SECRET"));
  CHECK(node.used_registry());
  CHECK(node.sink.bytes == kImage);
}

TEST_CASE("the first location that serves the image ends the search") {
  Node node({"http"});
  ScriptedServer good({answer(200, kImage)});
  ScriptedServer second({answer(200, kImage)});
  CHECK(node.fetch({good.url(), second.url()}).empty());
  CHECK(second.requests().empty());
  CHECK_FALSE(node.used_registry());
}

TEST_CASE("an image that nothing can be verified by comes from its registry") {
  Node node({"http"});
  node.digest.reset();
  ScriptedServer store({answer(200, kImage)});
  CHECK(holds(node.fetch({store.url(), "s3://a/b/c"}), "1 locations were passed over"));
  CHECK(store.requests().empty());
  CHECK(node.used_registry());
}

TEST_CASE("a location in a private network must be listed: whoever makes an image could name any server") {
  Node node({"http"}, {});
  ScriptedServer store({answer(200, kImage)});
  CHECK(holds(node.fetch({store.url()}), "where this node must not be led"));
  CHECK(store.requests().empty());
  CHECK(node.used_registry());
}

TEST_CASE("what is wrong with this node isn't looked for elsewhere") {
  Node node({"http"});
  ScriptedServer store({answer(200, kImage)});
  node.sink.on_write = [] { throw Error(ErrorCode::no_space, "the disk is full"); };
  CHECK(code_of([&] { node.fetch({store.url()}); }) == ErrorCode::no_space);
  CHECK_FALSE(node.used_registry());
}

TEST_CASE("S3 gets a signature of version 4 made with the location's keys, and no key itself") {
  Node node({"s3"});
  ScriptedServer store({answer(200, kImage)});
  CHECK(node.fetch({fmt::format("s3://ACCESS:SEC/RET@127.0.0.1:{}/bucket/key", store.port())}).empty());
  CHECK_FALSE(node.used_registry());
  REQUIRE(store.requests().size() == 1);
  CHECK(store.requests()[0].has("GET /bucket/key HTTP/1.1\r\n"));
  CHECK(store.requests()[0].has("Authorization: AWS4-HMAC-SHA256 Credential=ACCESS/"));
  CHECK(store.requests()[0].has("/us-east-1/s3/aws4_request"));
  CHECK(store.requests()[0].has("x-amz-content-sha256"));
  CHECK_FALSE(store.requests()[0].has("RET"));
}

TEST_CASE("Swift's own authentication is asked for a token, and the token opens the object") {
  Node node({"swift+http"});
  ScriptedServer store({answer(200, kImage)});
  ScriptedServer auth(
      {answer(204, "", "X-Storage-Url: " + store.url("v1/AUTH_1") + "\r\nX-Auth-Token: TOKEN\r\n"), answer(401, "no")});
  const std::string location =
      fmt::format("swift+http://project:user:KEY@127.0.0.1:{}/auth/v1.0/images/1", auth.port());
  CHECK(node.fetch({location}).empty());
  CHECK_FALSE(node.used_registry());
  CHECK(auth.requests()[0].has("GET /auth/v1.0 HTTP/1.1\r\n"));
  CHECK(auth.requests()[0].has("X-Auth-User: project:user\r\n"));
  CHECK(auth.requests()[0].has("X-Auth-Key: KEY\r\n"));
  CHECK(store.requests()[0].has("GET /v1/AUTH_1/images/1 HTTP/1.1\r\n"));
  CHECK(store.requests()[0].has("X-Auth-Token: TOKEN\r\n"));

  const std::string notes = node.fetch({location});
  CHECK(holds(notes, "lets user 'project:user' not in: status 401"));
  CHECK_FALSE(holds(notes, "KEY"));
}

TEST_CASE("credentials in a location bring no request of their own with them") {
  Node node({"swift+http", "s3"});
  ScriptedServer store({answer(200, "")});
  const auto at = [&](const std::string& text) {
    return fmt::format("{}@127.0.0.1:{}/auth/v1.0/c/o", text, store.port());
  };
  const std::string notes = node.fetch({at("swift+http://user%0d%0aX:key"), at("s3://user\r\nX:key")});
  CHECK(holds(notes, "it holds control characters"));
  CHECK(store.requests().empty());
  CHECK(node.used_registry());
}

TEST_CASE("of very many locations some are tried") {
  Node node({"file"});
  CHECK(holds(node.fetch(std::vector<std::string>(10, "file:///nowhere/image")), "2 more locations were passed over"));
  CHECK(node.used_registry());
}

TEST_CASE("a store that no catalog of ours knows gets no token") {
  Node node({"swift+http"});
  ScriptedServer store({answer(200, kImage)});
  node.fetch({fmt::format("swift+http://127.0.0.1:{}/v1/AUTH_1/images/1", store.port())});
  CHECK_FALSE(store.requests()[0].has("X-Auth-Token"));
}

TEST_CASE("a Keystone that a location names is trusted as little as a store") {
  Node node({"swift+http"}, {});
  ScriptedServer identity({answer(201, "{}")});
  const std::string notes =
      node.fetch({fmt::format("swift+http://project:user:KEY@127.0.0.1:{}/v3/images/1", identity.port())});
  CHECK(holds(notes, "where this node must not be led"));
  CHECK_FALSE(holds(notes, "KEY"));
  CHECK(identity.requests().empty());
  CHECK(node.used_registry());
}

TEST_CASE("with credentials for Keystone the store is where its catalog says") {
  Node node({"swift+http"});
  ScriptedServer store({answer(200, kImage)});
  const std::string catalog = R"([{"type":"object-store","name":"swift","endpoints":[{"interface":"public",)"
                              R"("region":"r","url":")" +
                              store.url("v1/AUTH_1") + R"("}]}])";
  ScriptedServer identity({answer(201,
                                  R"({"token":{"issued_at":"2026-11-21T10:00:00.000000Z",)"
                                  R"("expires_at":"2026-11-21T11:00:00.000000Z","catalog":)" +
                                      catalog + "}}",
                                  "X-Subject-Token: TOKEN\r\n")});
  CHECK(node.fetch({fmt::format("swift+http://project:user:KEY@127.0.0.1:{}/v3/images/1", identity.port())}).empty());
  CHECK_FALSE(node.used_registry());
  CHECK(identity.requests()[0].has("POST /v3/auth/tokens HTTP/1.1\r\n"));
  CHECK(identity.requests()[0].body.find(R"("name":"project")") != std::string::npos);
  CHECK(store.requests()[0].has("GET /v1/AUTH_1/images/1 HTTP/1.1\r\n"));
  CHECK(store.requests()[0].has("X-Auth-Token: TOKEN\r\n"));
}

TEST_CASE("the words of a Keystone that a location names are not told") {
  Node node({"swift+http"});
  ScriptedServer identity({answer(201,
                                  R"({"token":{"issued_at":"2026-11-21T10:00:00.000000Z",)"
                                  R"("expires_at":"2026-11-21T11:00:00.000000Z","catalog":[{"type":"KEY","name":"KEY",)"
                                  R"("endpoints":[{"interface":"public","region":"KEY","url":"http://KEY"}]}]}})",
                                  "X-Subject-Token: TOKEN\r\n")});
  const std::string notes =
      node.fetch({fmt::format("swift+http://project:user:KEY@127.0.0.1:{}/v3/images/1", identity.port())});
  CHECK(holds(notes, "knows no object store"));
  CHECK_FALSE(holds(notes, "KEY"));
  CHECK(node.used_registry());
}
