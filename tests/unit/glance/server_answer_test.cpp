#include "backends/glance/server_answer.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;

namespace {

http::ApiResponse answer(int status, std::string body = "") {
  http::ApiResponse response;
  response.head.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace

TEST_CASE("the reason is found in Glance's pages, in JSON and in plain text, on one line") {
  const std::pair<std::string, std::string> rows[] = {
      {kNotFoundPage, "No image found with ID e3056fc5-81d4-4f59-b91f-5dc57a44312f"},
      {R"({"message": "Image &#x27;x&#x27; is in use.<br /><br />\n\n", "code": "409 Conflict", "title": "Conflict"})",
       "Image 'x' is in use."},
      {R"({"title": "Conflict"})", "Conflict"},
      {R"({"error": {"message": "wrong scope", "code": 403, "title": "Forbidden"}})", "wrong scope"},
      {"<html><head><title>503 Unavailable</title></head><body>no server</body></html>", "503 Unavailable"},
      {"503\n  no server\n", "503 no server"},
      {"[1]", ""},
      {"{}", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(reason_in(row.first) == row.second);
  }
}

TEST_CASE("a reason is cut") { CHECK(reason_in(std::string(100'000, 'x')).size() == 200); }

TEST_CASE("a reason that nests without end is no JSON to us") {
  std::string nested = R"({"message": "inmost"})";
  for (int i = 0; i < 1000; ++i) nested = R"({"error": )" + nested + "}";
  CHECK(reason_in(nested).starts_with(R"({"error": {"error": )"));
}

TEST_CASE("an entity is replaced once") { CHECK(reason_in("&amp;lt;b&amp;gt;") == "&lt;b&gt;"); }

TEST_CASE("each status has its code, and stands in a field") {
  const std::pair<int, ErrorCode> rows[] = {{400, ErrorCode::invalid_request},
                                            {401, ErrorCode::source_unauthorized},
                                            {403, ErrorCode::source_unauthorized},
                                            {404, ErrorCode::image_not_found},
                                            {409, ErrorCode::in_use},
                                            {410, ErrorCode::image_not_found},
                                            {413, ErrorCode::invalid_request},
                                            {429, ErrorCode::source_unavailable},
                                            {300, ErrorCode::source_unavailable},
                                            {500, ErrorCode::source_unavailable},
                                            {503, ErrorCode::source_unavailable},
                                            {418, ErrorCode::source_unavailable}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const Error error = error_of(answer(row.first), "show image 'x'", "http://a");
    CHECK(error.code() == row.second);
    CHECK(has_status(error, row.first));
    CHECK_FALSE(has_status(error, row.first + 1));
    CHECK_FALSE(error.hint().empty());
  }
}

TEST_CASE("an error says what was being done, where, and the server's reason") {
  const Error error = error_of(answer(404, kNotFoundPage), "show image 'x'", "http://user:canary@host:9292");
  CHECK(error.message() ==
        "cannot show image 'x' at Glance 'http://***@host:9292': it answered with status 404: "
        "'No image found with ID e3056fc5-81d4-4f59-b91f-5dc57a44312f'");
}

TEST_CASE("control characters of a server's reason don't reach a message") {
  const Error error = error_of(answer(500, "a\x1b[31mb"), "list images", "http://a");
  CHECK(contains(error.message(), R"(a\x1b[31mb)"));
}

TEST_CASE("what can't be read is the server's fault, not the caller's") {
  CHECK(code_of([] { (void)parse_answer("<html>", "the list"); }) == ErrorCode::source_unavailable);
  CHECK(code_of([] { (void)parse_answer(std::string(1000, '['), "the list"); }) == ErrorCode::source_unavailable);
}

TEST_CASE("an answer that is longer than its kind can be is refused before it is read") {
  const std::string longest = '"' + std::string(kLongestRecord - 2, 'x') + '"';
  CHECK_NOTHROW((void)parse_answer(longest, "the record"));
  CHECK(code_of([&] { (void)parse_answer(longest + " ", "the record"); }) == ErrorCode::source_unavailable);
  CHECK_NOTHROW((void)parse_answer(longest + " ", "the list", kLongestList));
}
