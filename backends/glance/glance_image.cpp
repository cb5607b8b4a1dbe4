#include "backends/glance/glance_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 65535;  // a property is a TEXT column of Glance's database
constexpr std::size_t kMostItems = 4096;     // tags, locations; Glance's own quotas are far lower
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr const char* kRecord = "the registry's record of an image";

// The members that every image has, and the links of the record itself.
constexpr std::array<std::string_view, 25> kOwnMembers{
    "id",        "name",         "status",   "visibility",   "owner",         "disk_format", "container_format",
    "size",      "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "os_hidden",   "protected",
    "min_disk",  "min_ram",      "tags",     "created_at",   "updated_at",    "stores",      "direct_url",
    "locations", "self",         "file",     "schema"};

std::optional<Bytes> bytes(model::JsonFields& fields, std::string_view name) {
  const auto count = fields.number(name, kLargest);
  return count ? std::optional(Bytes{*count}) : std::nullopt;
}

std::string text(model::JsonFields& fields, std::string_view name) {
  return fields.text(name, kLongestText).value_or("");
}

std::string plain_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> texts(model::JsonFields& fields, std::string_view name) {
  std::vector<std::string> result;
  const json* list = fields.array(name, kMostItems);
  if (list == nullptr) return result;
  for (const json& item : *list) result.push_back(plain_text(item));
  return result;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

ImageLocation parse_location(const json& value, std::size_t index) {
  model::JsonFields fields(value, fmt::format("locations[{}]", index));
  ImageLocation location{.url = fields.required_text("url", kLongestText), .metadata = {}};
  if (const json* metadata = fields.object("metadata")) {
    for (const auto& [key, item] : metadata->items()) location.metadata[key] = plain_text(item);
  }
  return location;
}

std::vector<ImageLocation> parse_locations(model::JsonFields& fields) {
  std::vector<ImageLocation> locations;
  const json* list = fields.array("locations", kMostItems);
  if (list == nullptr) return locations;
  for (const json& item : *list) locations.push_back(parse_location(item, locations.size()));
  return locations;
}

std::map<std::string, std::string> parse_properties(const json& record) {
  std::map<std::string, std::string> properties;
  for (const auto& [name, value] : record.items()) {
    if (!value.is_null() && !is_own_member(name)) {
      properties[name] = plain_text(value);
    }
  }
  return properties;
}

void read_description(model::JsonFields& fields, GlanceImage& image) {
  image.id = fields.required_text("id", kLongestText);
  image.name = text(fields, "name");
  image.status = fields.required_text("status", kLongestText);
  image.visibility = text(fields, "visibility");
  image.owner = text(fields, "owner");
  image.tags = texts(fields, "tags");
  image.created_at = text(fields, "created_at");
  image.updated_at = text(fields, "updated_at");
  image.is_hidden = fields.boolean("os_hidden").value_or(false);
  image.is_protected = fields.boolean("protected").value_or(false);
}

void read_content(model::JsonFields& fields, GlanceImage& image) {
  image.disk_format = fields.text("disk_format", kLongestText);
  image.container_format = fields.text("container_format", kLongestText);
  image.size = bytes(fields, "size");
  image.virtual_size = bytes(fields, "virtual_size");
  image.checksum = text(fields, "checksum");
  image.os_hash_algo = text(fields, "os_hash_algo");
  image.os_hash_value = text(fields, "os_hash_value");
  image.min_disk = fields.number("min_disk", kLargest).value_or(0);
  image.min_ram = fields.number("min_ram", kLargest).value_or(0);
  image.stores = split_at_commas(text(fields, "stores"));
  image.direct_url = text(fields, "direct_url");
  image.locations = parse_locations(fields);
}

json count_or_null(const std::optional<Bytes>& size) { return size ? json(size->count) : json(nullptr); }

template <class Text>
json text_or_null(const Text& text) {
  return text.empty() ? json(nullptr) : json(text);
}

json to_json(const std::vector<ImageLocation>& locations) {
  json list = json::array();
  for (const ImageLocation& location : locations) {
    json item = json::object();
    item["url"] = redact_url(location.url);
    item["metadata"] = location.metadata;
    list.push_back(std::move(item));
  }
  return list;
}

bool is_known(std::string_view algorithm) {
  using enum DigestAlgorithm;
  return std::ranges::any_of(std::array{md5, sha256, sha384, sha512},
                             [&](DigestAlgorithm known) { return name_of(known) == algorithm; });
}

// Taken without a check, its bytes could be anybody's.
Error unknown_digest(const GlanceImage& image) {
  return Error(ErrorCode::image_unacceptable,
               fmt::format("image {} has a digest of the kind {}, which can't be verified here",
                           quote_unless_plain(image.id), quote(image.os_hash_algo, 40)))
      .set_hint("set Glance's hashing_algorithm to sha512, sha384 or sha256 and upload the image again");
}

// In the registry's order, its own word for the first of them last, each once.
std::vector<std::string> urls_of(const GlanceImage& image) {
  std::vector<std::string> urls;
  const auto add = [&urls](const std::string& url) {
    if (!url.empty() && std::ranges::find(urls, url) == urls.end()) urls.push_back(url);
  };
  for (const ImageLocation& location : image.locations) add(location.url);
  add(image.direct_url);
  return urls;
}

}  // namespace

bool is_own_member(std::string_view name) { return std::ranges::find(kOwnMembers, name) != kOwnMembers.end(); }

GlanceImage parse_image(const json& record) {
  return reading_answer(kRecord, [&] {
    model::JsonFields fields(record, "");
    GlanceImage image;
    read_description(fields, image);
    read_content(fields, image);
    image.properties = parse_properties(record);
    return image;
  });
}

GlanceImage parse_image(const std::string& answer) { return parse_image(parse_answer(answer, kRecord)); }

json to_json(const GlanceImage& image) {
  json record = json::object();
  for (const auto& [name, value] : image.properties) record[name] = value;
  record["id"] = image.id;
  record["name"] = text_or_null(image.name);
  record["status"] = image.status;
  record["visibility"] = text_or_null(image.visibility);
  record["owner"] = text_or_null(image.owner);
  record["disk_format"] = text_or_null(image.disk_format.value_or(""));
  record["container_format"] = text_or_null(image.container_format.value_or(""));
  record["size"] = count_or_null(image.size);
  record["virtual_size"] = count_or_null(image.virtual_size);
  record["checksum"] = text_or_null(image.checksum);
  record["os_hash_algo"] = text_or_null(image.os_hash_algo);
  record["os_hash_value"] = text_or_null(image.os_hash_value);
  record["os_hidden"] = image.is_hidden;
  record["protected"] = image.is_protected;
  record["min_disk"] = image.min_disk;
  record["min_ram"] = image.min_ram;
  record["tags"] = image.tags;
  record["created_at"] = text_or_null(image.created_at);
  record["updated_at"] = text_or_null(image.updated_at);
  record["locations"] = to_json(image.locations);
  if (!image.stores.empty()) record["stores"] = image.stores;
  if (!image.direct_url.empty()) record["direct_url"] = redact_url(image.direct_url);
  return record;
}

std::optional<Digest> digest_of(const GlanceImage& image) {
  return reading_answer("the checksum of image " + quote_unless_plain(image.id), [&]() -> std::optional<Digest> {
    const std::string algorithm = lower_case(image.os_hash_algo);
    if (!image.os_hash_value.empty() && is_known(algorithm)) {
      return Digest::parse(algorithm + ":" + image.os_hash_value);
    }
    if (!image.checksum.empty()) return Digest::parse("md5:" + image.checksum);
    if (!image.os_hash_value.empty()) throw unknown_digest(image);
    return std::nullopt;
  });
}

model::ImageRecord record_of(const GlanceImage& image, const model::ImageRef& ref) {
  return {.ref = ref,
          .name = image.name,
          .disk_format = image.disk_format,
          .container_format = image.container_format,
          .min_disk = image.min_disk,
          .min_ram = image.min_ram,
          .size = image.size,
          .digest = digest_of(image),
          .properties = image.properties,
          .locations = urls_of(image)};
}

}  // namespace basecache::glance
