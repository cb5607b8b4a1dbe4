#include "backends/glance/server_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"
#include "backends/http/fault.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestReason = 200;
constexpr std::size_t kLongestPage = 64 * 1024;  // what is behind it is no reason

// In what an API call differs from a download: a request may be wrong, and an image may be busy.
ErrorCode code_of_status(int status) {
  if (status == 400 || status == 413) return ErrorCode::invalid_request;
  return status == 409 ? ErrorCode::in_use : http::code_of_status(status);
}

std::string hint_of(int status) {
  switch (code_of_status(status)) {
    case ErrorCode::invalid_request:
      return "Glance doesn't take it as it is; its reason says what it wants";
    case ErrorCode::source_unauthorized:
      return "check that the user may do this to the image, and what Glance's policy says";
    case ErrorCode::image_not_found:
      return "check the image's id, and that it is visible to the project that asks";
    case ErrorCode::in_use:
      return "look at the image's status, and ask again when nobody else works on it";
    default:
      return status >= 500 || status == 408 || status == 429
                 ? "ask again later; Glance's log says why it refuses"
                 : "check that the server is an image service, and its address without '/v2'";
  }
}

std::string_view member_text(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

std::string_view text_in(const json& answer) {
  if (!answer.is_object()) return {};
  if (const auto inner = answer.find("error"); inner != answer.end() && inner->is_object()) return text_in(*inner);
  const std::string_view message = member_text(answer, "message");
  return message.empty() ? member_text(answer, "title") : message;
}

// What follows the heading, else the title.
std::string_view text_in(std::string_view page) {
  constexpr std::string_view heading = "</h1>";
  if (const std::size_t end = page.find(heading); end != std::string_view::npos) {
    return page.substr(end + heading.size());
  }
  constexpr std::string_view title = "<title>";
  if (const std::size_t begin = page.find(title); begin != std::string_view::npos) {
    const std::string_view rest = page.substr(begin + title.size());
    return rest.substr(0, rest.find('<'));
  }
  return page;
}

std::string text_of(const std::string& body) {
  try {
    return std::string(text_in(model::parse_json(body, "it")));
  } catch (const Error&) {
    return std::string(text_in(std::string_view(body)));
  }
}

std::string without_tags(std::string_view text) {
  std::string plain;
  bool in_tag = false;
  for (const char c : text) {
    if (c == '<') in_tag = true;
    if (!in_tag) plain += c;
    if (c == '>' && in_tag) {
      in_tag = false;
      plain += ' ';
    }
  }
  return plain;
}

std::string with_entities_replaced(std::string text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> entities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#x27;", '\''}, {"&amp;", '&'}}};
  for (const auto& [entity, character] : entities) {
    for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos; ++at) {
      text.replace(at, entity.size(), 1, character);
    }
  }
  return text;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

std::string reason_in(std::string_view body) {
  const std::string text = text_of(std::string(body.substr(0, kLongestPage)));
  return one_line(with_entities_replaced(without_tags(text))).substr(0, kLongestReason);
}

Error error_of(const http::ApiResponse& answer, std::string_view doing, std::string_view server) {
  const int status = answer.head.status;
  const std::string reason = reason_in(answer.body);
  const std::string shown = redact_url(server);
  Error error(code_of_status(status), fmt::format("cannot {} at Glance {}: it answered with status {}{}", doing,
                                                  quote(shown), status, reason.empty() ? "" : ": " + quote(reason)));
  error.set_hint(hint_of(status)).add_field("url", shown).add_field("status", std::to_string(status));
  return error;
}

bool has_status(const Error& error, int status) {
  const auto& fields = error.fields();
  return std::ranges::find(fields, std::pair<std::string, std::string>("status", std::to_string(status))) !=
         fields.end();
}

json parse_answer(const std::string& body, std::string_view what, std::size_t longest) {
  return reading_answer(what, [&] {
    if (body.size() > longest) {
      throw Error(ErrorCode::invalid_request,
                  fmt::format("it has {} bytes, at most {} are read", body.size(), longest));
    }
    return model::parse_json(body, "it");
  });
}

Error misspoken(const Error& error, std::string_view what) {
  Error wrong(ErrorCode::source_unavailable, fmt::format("cannot read {}: {}", what, error.message()));
  wrong.set_hint("check that the server is an image service, and which version of the image API it speaks");
  for (const auto& [key, value] : error.fields()) wrong.add_field(key, value);
  return wrong;
}

}  // namespace basecache::glance
