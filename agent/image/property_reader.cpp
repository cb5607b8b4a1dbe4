#include "agent/image/property_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/base/text.hpp"
#include "agent/model/checked_fields.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::image {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kMostObjects = 64;

// oslo.utils, strutils.bool_from_string. What it doesn't know it takes for false; here nobody's mistake is an answer.
constexpr std::array<std::string_view, 6> kTrue{"1", "t", "true", "on", "y", "yes"};
constexpr std::array<std::string_view, 6> kFalse{"0", "f", "false", "off", "n", "no"};

bool is_name_like(std::string_view text, std::string_view marks) {
  return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, [&](char c) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_plain || marks.find(c) != marks.npos;
  });
}

}  // namespace

const std::string* PropertyReader::find(const std::string& name) const {
  const auto found = properties_.find(name);
  return found == properties_.end() ? nullptr : &found->second;
}

const std::string* PropertyReader::find(const std::string& name, const std::string& legacy) const {
  const std::string* value = find(name);
  return value != nullptr ? value : find(legacy);
}

std::optional<std::string> PropertyReader::word(const std::string& name,
                                                const std::vector<std::string_view>& allowed) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (std::ranges::find(allowed, *value) == allowed.end()) refuse(name, *value, allowed);
  return *value;
}

std::optional<bool> PropertyReader::truth(const std::string& name) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::string plain = lower_case(*value);
  if (std::ranges::find(kTrue, plain) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, plain) != kFalse.end()) return false;
  refuse(name, *value, "one of true, yes, on, 1, false, no, off, 0");
}

std::optional<std::uint32_t> PropertyReader::number(const std::string& name, std::uint32_t least,
                                                    std::uint32_t most) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto count = parse_unsigned(*value);
  if (count && *count >= least && *count <= most) return static_cast<std::uint32_t>(*count);
  refuse(name, *value, fmt::format("a whole number from {} to {}", least, most));
}

nlohmann::json PropertyReader::objects(const std::string& name, const std::string& legacy) const {
  using nlohmann::json;
  const std::string* text = find(name, legacy);
  if (text == nullptr) return json::array();
  try {
    json list = model::parse_json(*text, "the property");  // of no depth that its recursions can't take
    const bool is_list = list.is_array() && list.size() <= kMostObjects &&
                         std::ranges::all_of(list, [](const json& item) { return item.is_object(); });
    if (is_list) return list;
  } catch (const Error&) {
    // Told below, as of the image.
  }
  refuse(legacy, *text, fmt::format("a list of objects in JSON, at most {}", kMostObjects));
}

std::optional<std::string> PropertyReader::name_like(const std::string& name, std::string_view marks) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!is_name_like(*value, marks)) refuse(name, *value, fmt::format("letters, digits and any of '{}'", marks));
  return *value;
}

std::optional<std::string> PropertyReader::line(const std::string& name) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (model::has_control_bytes(*value)) refuse(name, *value, "text on one line");
  return *value;
}

void PropertyReader::refuse(const std::string& name, std::string_view value, const std::string& expected) const {
  Error error(code_,
              fmt::format("the image's property {} is {}, and can only be {}", name, quote(value, 60), expected));
  error.add_field("property", name).set_hint("correct the property of the image, or take it out");
  throw error;
}

void PropertyReader::refuse(const std::string& name, std::string_view value,
                            const std::vector<std::string_view>& allowed) const {
  refuse(name, value, fmt::format("{}{}", allowed.size() > 1 ? "one of " : "", fmt::join(allowed, ", ")));
}

}  // namespace basecache::image
