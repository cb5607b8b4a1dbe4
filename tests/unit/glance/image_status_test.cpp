#include "backends/glance/image_status.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"

using namespace basecache;
using namespace basecache::glance;

namespace {

GlanceImage image_that_is(const std::string& status) {
  GlanceImage image;
  image.id = "x";
  image.status = status;
  image.size = Bytes{1};
  return image;
}

}  // namespace

TEST_CASE("only an active image may be fetched") { CHECK_NOTHROW(require_fetchable(image_that_is("active"))); }

TEST_CASE("each other status has an error of its own, that names it and says why") {
  struct Row {
    const char* status;
    ErrorCode code;
    const char* why;
  };
  const Row rows[] = {
      {"queued", ErrorCode::source_unavailable, "nothing has been uploaded"},
      {"saving", ErrorCode::source_unavailable, "still being uploaded"},
      {"uploading", ErrorCode::source_unavailable, "still being uploaded to be imported"},
      {"importing", ErrorCode::source_unavailable, "still being imported"},
      {"deactivated", ErrorCode::source_unauthorized, "deactivated it"},
      {"killed", ErrorCode::image_unacceptable, "upload failed"},
      {"deleted", ErrorCode::image_not_found, "has been deleted"},
      {"pending_delete", ErrorCode::image_not_found, "about to be removed"},
      {"dreaming", ErrorCode::source_unavailable, "don't know"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const auto error = error_of([&] { require_fetchable(image_that_is(row.status)); });
    REQUIRE(error);
    CHECK(error->code() == row.code);
    CHECK(contains(error->message(), row.why));
    CHECK(field_of(*error, "status") == row.status);
    CHECK_FALSE(error->hint().empty());
  }
}

TEST_CASE("an active image of unknown size has no data") {
  GlanceImage image = image_that_is("active");
  image.size.reset();
  const auto error = error_of([&] { require_fetchable(image); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::source_unavailable);
  CHECK(contains(error->message(), "no data"));
}
