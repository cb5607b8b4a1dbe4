#include "backends/glance/image_schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::size_t kMostValues = 1000;
constexpr std::size_t kLongestLimit = std::size_t{1} << 40;
constexpr const char* kSchema = "the registry's schema of images";

// One text, or the texts of a list; null among them stands for "nothing", which we don't send.
std::vector<std::string> texts(const json& schema, const char* name) {
  std::vector<std::string> result;
  const auto found = schema.find(name);
  if (found == schema.end()) return result;
  const json list = found->is_array() ? *found : json::array({*found});
  for (const json& item : list) {
    if (item.is_string()) result.push_back(item.get<std::string>());
  }
  if (result.size() > kMostValues) result.resize(kMostValues);
  return result;
}

Error bad_field(std::string_view name, const std::string& why) {
  const std::string shown = quote_unless_plain(name, 80);
  return Error(ErrorCode::invalid_request, fmt::format("{}: {}", shown, why)).add_field("field", shown);
}

bool may_be_text(const std::vector<std::string>& types) {
  return types.empty() || std::ranges::find(types, "string") != types.end();
}

// Characters of UTF-8, which is what a schema counts.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

ImageSchema::Member ImageSchema::parse_member(const json& schema, const std::string& name) {
  model::JsonFields fields(schema, name);
  Member member{.types = texts(schema, "type"), .values = texts(schema, "enum"), .longest = {}};
  if (const auto longest = fields.number("maxLength", kLongestLimit)) member.longest = *longest;
  member.is_read_only = fields.boolean("readOnly").value_or(false);
  return member;
}

ImageSchema ImageSchema::parse(const std::string& answer) {
  const json document = parse_answer(answer, kSchema);
  return reading_answer(kSchema, [&] {
    model::JsonFields fields(document, "");
    ImageSchema schema;
    const json* properties = fields.object("properties");
    if (properties == nullptr) throw bad_field("properties", "is missing");
    for (const auto& [name, value] : properties->items()) schema.members_[name] = parse_member(value, name);
    const auto others = document.find("additionalProperties");
    if (others == document.end() || *others == json(true)) schema.other_ = Member{};
    if (others != document.end() && others->is_object()) schema.other_ = parse_member(*others, "additionalProperties");
    return schema;
  });
}

std::vector<std::string> ImageSchema::allowed(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? std::vector<std::string>{} : found->second.values;
}

void ImageSchema::check(std::string_view name, const std::string& value) const {
  const auto found = members_.find(name);
  if (found == members_.end() && !other_) throw bad_field(name, "this registry takes no properties but its own");
  const Member& member = found == members_.end() ? *other_ : found->second;
  if (member.is_read_only) throw bad_field(name, "only the registry itself sets it");
  if (!may_be_text(member.types)) {
    throw bad_field(name, fmt::format("must be of type {}", fmt::join(member.types, " or ")));
  }
  if (!member.values.empty() && std::ranges::find(member.values, value) == member.values.end()) {
    throw bad_field(name, fmt::format("{} is not allowed at this registry", quote(value, 80)))
        .set_hint(fmt::format("it takes {}", fmt::join(member.values, ", ")));
  }
  if (member.longest && characters(value) > *member.longest) {
    throw bad_field(name, fmt::format("has {} characters, at most {} are allowed", characters(value), *member.longest));
  }
}

void ImageSchema::check(const NewImage& image) const {
  const auto check_given = [this](std::string_view name, const std::string& value) {
    if (!value.empty()) check(name, value);
  };
  check_given("id", image.id);
  check_given("name", image.name);
  check_given("disk_format", image.disk_format);
  check_given("container_format", image.container_format);
  check_given("visibility", image.visibility);
  for (const auto& [name, value] : image.properties) check(name, value);
}

}  // namespace basecache::glance
