#include "agent/api/error_response.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace basecache::api {
namespace {

using nlohmann::json;

json problem_of(std::string_view code, int status, const std::string& detail) {
  std::string title(code);
  std::ranges::replace(title, '_', ' ');
  return {{"type", "urn:basecache:error:" + std::string(code)},
          {"title", title},
          {"status", status},
          {"code", code},
          {"detail", detail}};
}

}  // namespace

ErrorAnswer answer_to(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request:
      return {400, 2};
    case ErrorCode::forbidden:
      return {403, 5};
    case ErrorCode::not_found:
    case ErrorCode::image_not_found:
      return {404, 4};
    case ErrorCode::image_unacceptable:
    case ErrorCode::checksum_mismatch:
    case ErrorCode::disk_too_small:
      return {422, 3};
    case ErrorCode::source_unauthorized:
      return {502, 5};
    case ErrorCode::source_unavailable:
      return {502, 6};
    case ErrorCode::no_space:
      return {507, 7};
    case ErrorCode::storage_unusable:
      return {500, 7};
    case ErrorCode::busy:
      return {503, 6};
    case ErrorCode::in_use:
    case ErrorCode::already_exists:
      return {409, 8};
    case ErrorCode::tool_failed:
      return {500, 9};
    case ErrorCode::timed_out:
      return {504, 6};
    case ErrorCode::internal:
      return {500, 1};
  }
  return {500, 1};
}

std::optional<ErrorCode> error_code_from(std::string_view name) {
  for (int number = 0; number <= static_cast<int>(ErrorCode::internal); ++number) {
    if (const auto code = static_cast<ErrorCode>(number); name_of(code) == name) return code;
  }
  return std::nullopt;
}

json problem(const Error& error) {
  json answer = problem_of(name_of(error.code()), answer_to(error.code()).http_status, error.message());
  if (!error.hint().empty()) answer["hint"] = error.hint();
  for (const auto& [key, value] : error.fields()) answer["fields"][key] = value;
  return answer;
}

json cancelled_problem() { return problem_of("cancelled", kCancelledAnswer.http_status, "the request was cancelled"); }

}  // namespace basecache::api
