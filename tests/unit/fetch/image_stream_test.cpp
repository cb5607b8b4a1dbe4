#include "agent/fetch/image_stream.hpp"

#include <doctest/doctest.h>

#include <future>

#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/fetch/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kMiB = 1 << 20;
const std::string kFirst = "QFI" + std::string(2 * kMiB - 3, 'a');
const std::string kRest(kMiB, 'b');
const fetch::Transfer kTransfer{.size = mebibytes(3), .version = "v1"};

struct Place {
  Place() { layout::prepare_directories(layout); }

  fetch::ImageStream stream(OpContext& op) {
    const model::ImageRecord record{
        .ref = image_base().ref, .name = "x", .disk_format = {}, .size = size, .digest = {}};
    return fetch::ImageStream(record, {.expected = expected}, fetch::StagedTransfer(layout, key, "x"), inspector,
                              verifier.begin(record), std::nullopt, op);
  }
  void leave_first() {
    OpContext op = test_operation();
    auto broken = stream(op);
    broken.start(kTransfer);
    broken.write(bytes_of(kFirst));
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  model::CacheKey key = model::CacheKey::for_image("an image");
  FakeInspector inspector;
  FakeVerifier verifier;
  std::vector<Digest> expected;
  std::optional<Bytes> size;
};

Digest sha256_of(const std::string& text) {
  return Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, text));
}

std::optional<ErrorCode> refusal(fetch::ImageStream& stream) {
  try {
    stream.verify();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a stream that mixes no more holds nothing, and leaves for the next one what it was given") {
  Place p;
  p.leave_first();
  OpContext op = test_operation();
  {
    auto stream = p.stream(op);
    stream.mix_no_more();
    CHECK_FALSE(stream.held());
    stream.start(kTransfer);
    stream.write(bytes_of(kFirst));
    CHECK_FALSE(stream.held());
  }
  CHECK(p.stream(op).held().value().count == mebibytes(2));
}

TEST_CASE("bytes that were left pass through hashers, verification and inspection like those that arrive") {
  Place p;
  p.leave_first();
  p.expected = {sha256_of(kFirst + kRest)};
  p.verifier.signed_bytes = kFirst + kRest;
  OpContext op = test_operation();
  auto stream = p.stream(op);
  REQUIRE(stream.held());
  CHECK(stream.held()->count == mebibytes(2));
  CHECK(stream.held()->transfer.version == "v1");
  stream.write(bytes_of(kRest));
  stream.verify();
  const auto image = fetch::InspectedImage::inspect(std::move(stream).finish(), model::ImageUse::disk, p.inspector, op);
  CHECK(image.verdict().format == model::DiskFormat::qcow2);
  CHECK(image.verdict().virtual_size == mebibytes(3));
  CHECK(image.digest()->hex == hex_digest(DigestAlgorithm::sha256, kFirst + kRest));
  CHECK((read_file(image.path()) == kFirst + kRest));
}

TEST_CASE("what this stream has received itself is held without being read again") {
  Place p;
  OpContext op = test_operation();
  auto stream = p.stream(op);
  CHECK_FALSE(stream.held());
  stream.start(kTransfer);
  CHECK_FALSE(stream.held());
  stream.write(bytes_of("few"));
  CHECK(stream.held()->count == Bytes{3});
  CHECK(op.steps().steps().empty());
  stream.start({.size = std::nullopt, .version = ""});
  stream.write(bytes_of("few"));
  CHECK_FALSE(stream.held());
}

TEST_CASE("an operation that is cancelled before its image is verified leaves what is there") {
  Place p;
  p.leave_first();
  std::promise<void> opened;
  p.inspector.in_feed = [gate = opened.get_future().share()] { gate.wait(); };
  std::stop_source stop;
  {
    OpContext op = test_operation(stop.get_token());
    auto stream = p.stream(op);
    CHECK(stream.held());
    stop.request_stop();
    CHECK_THROWS_AS(stream.verify(), Cancelled);
    opened.set_value();
  }
  CHECK(fetch::find_left_transfer(p.layout, p.key)->count == mebibytes(2));
}

TEST_CASE("a transfer that starts over forgets what was left") {
  Place p;
  p.leave_first();
  p.expected = {sha256_of("other bytes")};
  p.verifier.signed_bytes = "other bytes";
  OpContext op = test_operation();
  auto stream = p.stream(op);
  CHECK(stream.held());
  stream.start({.size = std::nullopt, .version = "v2"});
  stream.write(bytes_of("other bytes"));
  CHECK_FALSE(refusal(stream));
  CHECK_FALSE(refusal(stream));  // asked again, nothing else comes out
}

TEST_CASE("it is told when refuted bytes came by more than one transfer, and they are thrown away") {
  Place p;
  p.leave_first();
  p.expected = {sha256_of("right")};
  OpContext op = test_operation();
  auto stream = p.stream(op);
  CHECK(stream.held());
  CHECK_FALSE(stream.refuted_mixture());
  CHECK(refusal(stream) == ErrorCode::checksum_mismatch);
  CHECK(stream.refuted_mixture());
  CHECK_FALSE(stream.held());
  CHECK_FALSE(fetch::find_left_transfer(p.layout, p.key));
  stream.start(kTransfer);
  CHECK_FALSE(stream.refuted_mixture());
  stream.write(bytes_of("wrong"));
  CHECK(refusal(stream) == ErrorCode::checksum_mismatch);
  CHECK_FALSE(stream.refuted_mixture());
}

TEST_CASE("refuted bytes aren't held any more, those that come after them are verified afresh") {
  Place p;
  p.expected = {sha256_of("right")};
  OpContext op = test_operation();
  auto stream = p.stream(op);
  stream.start(kTransfer);
  stream.write(bytes_of("wrong"));
  CHECK(stream.held());
  CHECK(refusal(stream) == ErrorCode::checksum_mismatch);
  CHECK_FALSE(stream.held());
  stream.start(kTransfer);
  stream.write(bytes_of("right"));
  CHECK(stream.held());
  CHECK_FALSE(refusal(stream));
}

TEST_CASE("more bytes than the record says refute what is held, and a mixture is told") {
  Place p;
  p.leave_first();
  p.size = Bytes{kFirst.size() + 1};
  OpContext op = test_operation();
  auto stream = p.stream(op);
  REQUIRE(stream.held());
  CHECK_THROWS_AS(stream.write(bytes_of("xy")), Error);
  CHECK(stream.refuted_mixture());
  CHECK_FALSE(stream.held());
}

TEST_CASE("a body that nobody tells from a broken one is taken only where something else tells") {
  struct Row {
    const char* what;
    std::optional<Bytes> size;
    std::vector<Digest> expected;
    std::string signed_bytes;
    bool taken;
  };
  const Row rows[] = {{"nothing", {}, {}, "", false},
                      {"the record's size", Bytes{5}, {}, "", true},
                      {"a digest", {}, {sha256_of("image")}, "", true},
                      {"a signature", {}, {}, "image", true}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Place p;
    p.size = row.size;
    p.expected = row.expected;
    p.verifier.signed_bytes = row.signed_bytes;
    OpContext op = test_operation();
    auto stream = p.stream(op);
    const fetch::Transfer open{.size = {}, .version = "", .tells_end = false};
    if (!row.taken) {
      CHECK_THROWS_AS(stream.start(open), Error);
      continue;
    }
    stream.start(open);
    stream.write(bytes_of("image"));
    CHECK_FALSE(refusal(stream));
  }
}

TEST_CASE("every promised digest is expected behind the demanded one; a promised md5 is kept only when allowed") {
  const Digest md5 = Digest::parse("md5:" + std::string(32, '1'));
  const Digest sha = sha256_of("x");
  struct Row {
    std::optional<Digest> promised;
    std::optional<Digest> demanded;
    bool allow_md5;
    std::vector<Digest> expected;
    DigestAlgorithm kept;
  };
  const Row rows[] = {
      {{}, {}, false, {}, DigestAlgorithm::sha256},           {sha, {}, false, {sha}, DigestAlgorithm::sha256},
      {md5, {}, false, {md5}, DigestAlgorithm::sha256},       {md5, {}, true, {md5}, DigestAlgorithm::md5},
      {{}, md5, false, {md5}, DigestAlgorithm::md5},          {sha, md5, false, {md5, sha}, DigestAlgorithm::md5},
      {md5, sha, false, {sha, md5}, DigestAlgorithm::sha256}, {md5, sha, true, {sha, md5}, DigestAlgorithm::sha256},
  };
  for (const Row& row : rows) {
    const model::ImageRecord record{
        .ref = image_base().ref, .name = "x", .disk_format = {}, .size = {}, .digest = row.promised};
    const fetch::WantedDigests wanted = fetch::wanted_digests(record, row.demanded, row.allow_md5);
    CHECK(wanted.expected == row.expected);
    CHECK(wanted.kept == row.kept);
  }
}
