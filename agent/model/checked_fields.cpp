#include "agent/model/checked_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace basecache::model {

Error bad_field(const std::string& field, const std::string& why) {
  return Error(ErrorCode::invalid_request, field + " " + why).add_field("field", field);
}

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string plain_text(JsonFields& fields, std::string_view name, std::size_t max_bytes) {
  std::string text = fields.text(name, max_bytes).value_or("");
  if (has_control_bytes(text)) throw bad_field(fields.path_of(name), "has control characters in it");
  return text;
}

std::string object_text(JsonFields& fields, std::string_view name, std::size_t max_bytes) {
  const nlohmann::json* value = fields.object(name);
  if (value == nullptr) return "";
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
  if (text.size() > kLongestName) throw bad_field(path, fmt::format("has more than {} bytes", kLongestName));
  if (has_control_bytes(text)) throw bad_field(path, "has control characters in it");
  return text;
}

}  // namespace basecache::model
