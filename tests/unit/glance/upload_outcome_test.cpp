#include "backends/glance/upload_outcome.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;

TEST_CASE("what is done about a failed upload depends on the record") {
  struct Row {
    FailedUpload failed;
    AfterFailedUpload next;
  };
  const auto broken_off = [](const char* status, bool all_sent, bool may_repeat) {
    return FailedUpload{.status = status, .all_sent = all_sent, .is_final = false, .may_repeat = may_repeat};
  };
  const Row rows[] = {
      {broken_off("queued", false, true), AfterFailedUpload::repeat},
      {broken_off("queued", true, true), AfterFailedUpload::repeat},
      {broken_off("queued", false, false), AfterFailedUpload::give_up},
      {broken_off("active", true, true), AfterFailedUpload::accept},
      {broken_off("active", true, false), AfterFailedUpload::accept},
      {broken_off("active", false, true), AfterFailedUpload::give_up},
      {broken_off("saving", true, true), AfterFailedUpload::give_up},
      {broken_off("killed", false, true), AfterFailedUpload::give_up},
      {broken_off("deleted", false, true), AfterFailedUpload::give_up},
      {broken_off("unknown", true, true), AfterFailedUpload::give_up},
  };
  for (const Row& row : rows) {
    CAPTURE(row.failed.status);
    CAPTURE(row.failed.all_sent);
    CAPTURE(row.failed.may_repeat);
    CHECK(after_failed_upload(row.failed) == row.next);
  }
}

TEST_CASE("an upload that is refused for good is given up, whatever the record is") {
  for (const char* status : {"queued", "active", "saving"}) {
    CAPTURE(status);
    CHECK(after_failed_upload({.status = status, .all_sent = true, .is_final = true, .may_repeat = true}) ==
          AfterFailedUpload::give_up);
  }
}

TEST_CASE("an upload is right when status, size and checksum are") {
  const GlanceImage image = parse_image(kActive);
  CHECK_NOTHROW(require_uploaded(image, {575864832}, Digest::parse("sha512:" + kSha512)));
}

TEST_CASE("an upload that isn't active, or not what was sent, is told with both values") {
  GlanceImage image = parse_image(kActive);
  const Digest sent = Digest::parse("sha512:" + kSha512);

  const auto size = error_of([&] { require_uploaded(image, {5}, sent); });
  REQUIRE(size);
  CHECK(size->code() == ErrorCode::checksum_mismatch);
  CHECK(field_of(*size, "expected") == "5");
  CHECK(field_of(*size, "found") == "575864832");

  image.os_hash_value.front() = '0';
  const auto hash = error_of([&] { require_uploaded(image, {575864832}, sent); });
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
