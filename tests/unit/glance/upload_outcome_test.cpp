#include "backends/glance/upload_outcome.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;

TEST_CASE("what is done about a failed upload depends on the record") {
  struct Row {
    const char* status;
    bool all_sent;
    bool may_succeed;
    AfterFailedUpload next;
  };
  const Row rows[] = {
      {"queued", false, true, AfterFailedUpload::repeat},   {"queued", true, true, AfterFailedUpload::repeat},
      {"queued", false, false, AfterFailedUpload::give_up}, {"active", true, true, AfterFailedUpload::accept},
      {"active", true, false, AfterFailedUpload::accept},   {"active", false, true, AfterFailedUpload::give_up},
      {"saving", true, true, AfterFailedUpload::give_up},   {"killed", false, true, AfterFailedUpload::give_up},
      {"deleted", false, true, AfterFailedUpload::give_up}, {"unknown", true, true, AfterFailedUpload::give_up},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.all_sent);
    CAPTURE(row.may_succeed);
    CHECK(after_failed_upload(row.status, row.all_sent, row.may_succeed) == row.next);
  }
}

TEST_CASE("an upload is right when status, size and checksum are") {
  const GlanceImage image = parse_image(kActive);
  CHECK_NOTHROW(require_uploaded(image, {575864832}, Digest::parse("sha512:" + kSha512)));
}

TEST_CASE("an upload that isn't active, or not what was sent, is told with both values") {
  GlanceImage image = parse_image(kActive);
  const Digest sent = Digest::parse("sha512:" + kSha512);

  const auto size = failure_of([&] { require_uploaded(image, {5}, sent); });
  REQUIRE(size);
  CHECK(size->code() == ErrorCode::checksum_mismatch);
  CHECK(field_of(*size, "expected") == "5");
  CHECK(field_of(*size, "found") == "575864832");

  image.os_hash_value.front() = '0';
  const auto hash = failure_of([&] { require_uploaded(image, {575864832}, sent); });
  REQUIRE(hash);
  CHECK(hash->code() == ErrorCode::checksum_mismatch);
  CHECK(field_of(*hash, "expected") == sent.text());
  CHECK(field_of(*hash, "found") == "sha512:" + image.os_hash_value);

  image.status = "saving";
  CHECK(code_of([&] { require_uploaded(image, {575864832}, sent); }) == ErrorCode::source_unavailable);
}

TEST_CASE("a registry without checksums is compared by size") {
  GlanceImage image = parse_image(kActive);
  image.os_hash_algo.clear();
  image.os_hash_value.clear();
  image.checksum.clear();
  CHECK_NOTHROW(require_uploaded(image, {575864832}, std::nullopt));
}
