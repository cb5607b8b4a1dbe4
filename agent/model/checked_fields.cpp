#include "agent/model/checked_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace basecache::model {
namespace {

using nlohmann::json;

// Of UTF-8: bytes but for those that go on.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

// Such whole numbers became fractions when they were read, and most lost digits.
bool has_vast_number(const json& value) {
  if (value.is_number_float()) return std::abs(value.get<double>()) >= 0x1p63;
  return value.is_structured() && std::ranges::any_of(value, has_vast_number);
}

}  // namespace

Error bad_field(const std::string& field, const std::string& why) {
  return Error(ErrorCode::invalid_request, field + " " + why).add_field("field", field);
}

bool has_control_bytes(std::string_view text) {
  for (const char* no_character : {"\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    if (text.find(no_character) != text.npos) return true;
  }
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string plain_text(JsonFields& fields, std::string_view name, std::size_t max_characters) {
  std::string text = fields.text(name, 4 * max_characters).value_or("");
  if (characters_in(text) > max_characters) {
    throw bad_field(fields.path_of(name), fmt::format("has more than {} characters", max_characters));
  }
  if (has_control_bytes(text)) throw bad_field(fields.path_of(name), "has control characters in it");
  return text;
}

std::string object_text(JsonFields& fields, std::string_view name, std::size_t max_bytes) {
  const nlohmann::json* value = fields.object(name);
  if (value == nullptr || value->empty()) return "";
  if (has_vast_number(*value))
    throw bad_field(fields.path_of(name), "has a number beyond 64 bits, which can't be kept as it is");
  // ASCII, as Nova writes it, so that no reader has to know the encoding.
  std::string text = value->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > max_bytes) {
    throw bad_field(fields.path_of(name), fmt::format("has {} bytes, at most {} are allowed", text.size(), max_bytes));
  }
  return text;
}

void for_each_item(JsonFields& fields, std::string_view name, std::size_t max_items,
                   const std::function<void(const nlohmann::json&, const std::string&)>& visit) {
  const nlohmann::json* list = fields.array(name, max_items);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) visit((*list)[i], fmt::format("{}[{}]", fields.path_of(name), i));
}

std::string text_item(const nlohmann::json& value, const std::string& path) {
  if (!value.is_string()) throw bad_field(path, "must be a string");
  const auto& text = value.get_ref<const std::string&>();
  if (characters_in(text) > kLongestName)
    throw bad_field(path, fmt::format("has more than {} characters", kLongestName));
  if (has_control_bytes(text)) throw bad_field(path, "has control characters in it");
  return text;
}

}  // namespace basecache::model
