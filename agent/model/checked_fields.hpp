#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/json_fields.hpp"

// Rules that fields of a request share, for those who read a part of one.
namespace basecache::model {

// Nova's limit for names, in characters.
inline constexpr std::size_t kLongestName = 255;

// Error(invalid_request): "<field> <why>", with the field's name beside it.
Error bad_field(const std::string& field, const std::string& why);

// Control characters, or U+FFFE and U+FFFF, which are none and which XML hasn't.
bool has_control_bytes(std::string_view text);

// Text on one line, of at most so many characters; "" where there is none.
std::string plain_text(JsonFields& fields, std::string_view name, std::size_t max_characters = kLongestName);

// A JSON object whose inside is not ours to read, as text; "" where there is none, or nothing in it. Error for numbers
// beyond 64 bits, which wouldn't come out as they went in.
std::string object_text(JsonFields& fields, std::string_view name, std::size_t max_bytes);

// Each item of a list, with its path.
void for_each_item(JsonFields& fields, std::string_view name, std::size_t max_items,
                   const std::function<void(const nlohmann::json&, const std::string&)>& visit);

// Reads a list, each item by `read(item, path of the item)`.
template <class Item>
std::vector<Item> read_list(JsonFields& fields, std::string_view name, std::size_t max_items,
                            Item (*read)(const nlohmann::json&, const std::string&)) {
  std::vector<Item> items;
  for_each_item(fields, name, max_items,
                [&](const nlohmann::json& item, const std::string& path) { items.push_back(read(item, path)); });
  return items;
}

// An item of a list of plain texts.
std::string text_item(const nlohmann::json& value, const std::string& path);

}  // namespace basecache::model
