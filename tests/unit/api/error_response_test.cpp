#include "agent/api/error_response.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

using namespace basecache;
using namespace basecache::api;
using nlohmann::json;

namespace {

struct Row {
  ErrorCode code;
  int http_status;
  int exit_code;
};

// The numbers that README promises to clients and scripts.
constexpr Row kRows[] = {
    {ErrorCode::invalid_request, 400, 2},
    {ErrorCode::forbidden, 403, 5},
    {ErrorCode::not_found, 404, 4},
    {ErrorCode::image_not_found, 404, 4},
    {ErrorCode::image_unacceptable, 422, 3},
    {ErrorCode::checksum_mismatch, 422, 3},
    {ErrorCode::disk_too_small, 422, 3},
    {ErrorCode::source_unauthorized, 502, 5},
    {ErrorCode::source_unavailable, 502, 6},
    {ErrorCode::no_space, 507, 7},
    {ErrorCode::storage_unusable, 500, 7},
    {ErrorCode::busy, 503, 6},
    {ErrorCode::in_use, 409, 8},
    {ErrorCode::already_exists, 409, 8},
    {ErrorCode::tool_failed, 500, 9},
    {ErrorCode::timed_out, 504, 6},
    {ErrorCode::internal, 500, 1},
};

}  // namespace

TEST_CASE("each error code has its HTTP status and its exit code") {
  for (const Row& row : kRows) {
    CAPTURE(name_of(row.code));
    CHECK(answer_to(row.code).http_status == row.http_status);
    CHECK(answer_to(row.code).exit_code == row.exit_code);
  }
  // The codes are numbered without gaps, and internal is the last: the table above has them all.
  CHECK(std::size(kRows) == static_cast<std::size_t>(ErrorCode::internal) + 1);
}

TEST_CASE("no error is answered as a success or as a cancellation") {
  for (const Row& row : kRows) {
    CAPTURE(name_of(row.code));
    CHECK(answer_to(row.code).http_status >= 400);
    CHECK(answer_to(row.code).http_status != kCancelledAnswer.http_status);
    CHECK(answer_to(row.code).exit_code != 0);
    CHECK(answer_to(row.code).exit_code != kCancelledAnswer.exit_code);
  }
}

TEST_CASE("the name of each code leads back to the code, and no two are the same") {
  std::set<std::string_view> names;
  for (const Row& row : kRows) {
    CHECK(error_code_from(name_of(row.code)) == row.code);
    names.insert(name_of(row.code));
  }
  CHECK(names.size() == std::size(kRows));
}

TEST_CASE("a name that is no code's leads to nothing") {
  for (const char* name : {"", "cancelled", "INTERNAL", "not found", "a_code_of_tomorrow"}) {
    CAPTURE(name);
    CHECK_FALSE(error_code_from(name).has_value());
  }
}

TEST_CASE("a problem has all that is known of the error") {
  Error error(ErrorCode::image_not_found, "no image 'cirros'");
  error.set_hint("upload it").add_field("image", "cirros").add_field("path", "/registry");
  CHECK(problem(error) == json::parse(R"({
    "type": "urn:basecache:error:image_not_found",
    "title": "image not found",
    "status": 404,
    "code": "image_not_found",
    "detail": "no image 'cirros'",
    "hint": "upload it",
    "fields": {"image": "cirros", "path": "/registry"}
  })"));
}

TEST_CASE("a problem without hint and fields has no empty ones") {
  const json answer = problem(Error(ErrorCode::internal, "a bug"));
  CHECK_FALSE(answer.contains("hint"));
  CHECK_FALSE(answer.contains("fields"));
}

TEST_CASE("a cancellation is a problem of its own, and no error code's") {
  const json answer = cancelled_problem();
  CHECK(answer.at("status") == 499);
  CHECK(answer.at("code") == "cancelled");
  CHECK(answer.at("type") == "urn:basecache:error:cancelled");
  CHECK_FALSE(answer.at("detail").get<std::string>().empty());
}
