#include "backends/glance/v1_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::string_view kMember = "x-image-meta-";
constexpr std::string_view kProperty = "x-image-meta-property-";
constexpr std::size_t kLongestText = 65535;
constexpr std::size_t kMostLocations = 4096;
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr const char* kRecord = "the registry's record of an image";

// The members that are numbers and truths, which headers spell as Python prints them.
constexpr std::array<std::string_view, 4> kNumbers{"size", "virtual_size", "min_disk", "min_ram"};
constexpr std::array<std::string_view, 3> kTruths{"is_public", "protected", "deleted"};

json number_of(const std::string& name, const std::string& text) {
  if (const auto number = parse_unsigned(text)) return *number;
  throw Error(ErrorCode::invalid_request, fmt::format("{} must be a whole number, not {}", name, quote(text, 40)))
      .add_field("field", name);
}

json value_of(const std::string& name, const std::string& text) {
  if (text.empty() || text == "None") return nullptr;
  if (std::ranges::find(kNumbers, name) != kNumbers.end()) return number_of(name, text);
  if (std::ranges::find(kTruths, name) != kTruths.end()) return lower_case(text) == "true";
  return text;
}

// The headers as the record they were made from.
json record_in(const std::map<std::string, std::string>& headers) {
  json record = json::object();
  json properties = json::object();
  for (const auto& [header, text] : headers) {
    if (header.starts_with(kProperty)) {
      properties[header.substr(kProperty.size())] = text;
    } else if (header.starts_with(kMember)) {
      std::string name = header.substr(kMember.size());
      std::ranges::replace(name, '-', '_');  // some proxies pass no underscores
      record[name] = value_of(name, text);
    }
  }
  record["properties"] = std::move(properties);
  return record;
}

std::optional<Bytes> bytes(model::JsonFields& fields, std::string_view name) {
  const auto count = fields.number(name, kLargest);
  return count ? std::optional(Bytes{*count}) : std::nullopt;
}

std::string text(model::JsonFields& fields, std::string_view name) {
  return fields.text(name, kLongestText).value_or("");
}

void read_locations(model::JsonFields& fields, GlanceImage& image) {
  if (const json* list = fields.array("location_data", kMostLocations)) {
    for (const json& item : *list) {
      model::JsonFields location(item, "location_data");
      image.locations.push_back({.url = location.required_text("url", kLongestText), .metadata = {}});
    }
  }
  image.direct_url = text(fields, "location");
}

void read_properties(model::JsonFields& fields, GlanceImage& image) {
  const json* properties = fields.object("properties");
  if (properties == nullptr) return;
  for (const auto& [name, value] : properties->items()) {
    if (value.is_string()) image.properties[name] = value.get<std::string>();
  }
}

GlanceImage read_record(const json& record) {
  model::JsonFields fields(record, "");
  GlanceImage image;
  image.id = fields.required_text("id", kLongestText);
  image.name = text(fields, "name");
  image.status = fields.boolean("deleted").value_or(false) ? "deleted" : fields.required_text("status", kLongestText);
  image.visibility = fields.boolean("is_public").value_or(false) ? "public" : "private";
  image.owner = text(fields, "owner");
  image.disk_format = fields.text("disk_format", kLongestText);
  image.container_format = fields.text("container_format", kLongestText);
  image.size = bytes(fields, "size");
  image.virtual_size = bytes(fields, "virtual_size");
  image.checksum = text(fields, "checksum");
  image.is_protected = fields.boolean("protected").value_or(false);
  image.min_disk = fields.number("min_disk", kLargest).value_or(0);
  image.min_ram = fields.number("min_ram", kLargest).value_or(0);
  image.created_at = text(fields, "created_at");
  image.updated_at = text(fields, "updated_at");
  read_locations(fields, image);
  read_properties(fields, image);
  return image;
}

}  // namespace

GlanceImage parse_v1_headers(const std::map<std::string, std::string>& headers) {
  return reading_answer(kRecord, [&] { return read_record(record_in(headers)); });
}

GlanceImage parse_v1_record(const std::string& answer) {
  const json document = parse_answer(answer, kRecord);
  return reading_answer(kRecord, [&] {
    model::JsonFields fields(document, "");
    const json* image = fields.object("image");
    if (image != nullptr) return read_record(*image);
    throw Error(ErrorCode::invalid_request, "it has no member 'image'").add_field("field", "image");
  });
}

}  // namespace basecache::glance
