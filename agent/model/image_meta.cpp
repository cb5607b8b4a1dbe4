#include "agent/model/image_meta.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/image.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::model {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kMostNameBytes = 4 * 255;  // of 255 characters in UTF-8, a VARCHAR of Glance's database
constexpr std::size_t kLongestValue = 65535;     // a TEXT column of Glance's database
constexpr std::size_t kMostProperties = 1024;    // Glance's default quota is 128
constexpr std::uint64_t kLargestMinimum = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();

// nova/block_device.py, VIM_IMAGE_ATTRIBUTES: of the image that a volume was made from, but for the minima not of it.
constexpr std::array<const char*, 6> kNotOfVolume{"image_id", "image_name",       "size",
                                                  "checksum", "container_format", "disk_format"};

// nova/objects/image_meta.py and nova/image/glance.py: of the image as Nova has it, and nothing to its instances.
constexpr std::array<const char*, 21> kIgnored{
    "id",        "status",     "owner",        "checksum",      "visibility", "is_public",    "protected",
    "tags",      "created_at", "updated_at",   "deleted",       "deleted_at", "virtual_size", "direct_url",
    "locations", "os_hidden",  "os_hash_algo", "os_hash_value", "self",       "file",         "schema"};

Error bad(const std::string& field, const std::string& why) {
  return Error(ErrorCode::invalid_request, field + " " + why).add_field("field", field);
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// As it is kept: what has to be escaped takes up to six bytes for one.
std::size_t stored_bytes(const json& kept) { return kept.dump(2, ' ', false, json::error_handler_t::replace).size(); }

std::string too_large(const ImageRecord& record, const ImageMeta& meta) {
  if (meta.name.size() > kMostNameBytes) return fmt::format("a name of more than {} bytes", kMostNameBytes);
  for (const auto& format : {meta.disk_format, meta.container_format}) {
    if (format && format->size() > kLongestName) return fmt::format("a format of more than {} bytes", kLongestName);
  }
  if (record.properties.size() > kMostProperties) return fmt::format("more than {} properties", kMostProperties);
  if (stored_bytes(to_json(meta)) <= kMostStoredBytes) return "";
  return fmt::format("properties of more than {} in all", to_text(Bytes{kMostStoredBytes}));
}

std::map<std::string, std::string> properties_in(const json& object, const std::string& path) {
  if (object.size() > kMostProperties) throw bad(path, fmt::format("has more than {} members", kMostProperties));
  std::map<std::string, std::string> properties;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    if (name.empty() || name.size() > kLongestName) throw bad(path, "has a name of no or more than 255 bytes");
    std::string text = text_of(value);
    if (text.size() > kLongestValue) {
      throw bad(path + "." + name, fmt::format("has {} bytes, at most {} are taken", text.size(), kLongestValue));
    }
    properties.emplace(name, std::move(text));
  }
  if (stored_bytes(properties) > kMostStoredBytes) {
    throw bad(path, fmt::format("has more than {} in all", to_text(Bytes{kMostStoredBytes})));
  }
  return properties;
}

template <class Number>
void put(json& object, const char* name, const std::optional<Number>& value) {
  if (value) object[name] = *value;
}

template <class T>
std::optional<T> value_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? std::nullopt : std::optional(found->get<T>());
}

// Takes it out of the properties: 0 where it isn't there, as in Nova.
std::uint64_t take_minimum(std::map<std::string, std::string>& properties, const std::string& name,
                           const std::string& path) {
  const auto found = properties.extract(name);
  if (!found || found.mapped().empty()) return 0;
  const auto number = parse_unsigned(found.mapped());
  if (number && *number <= kLargestMinimum) return *number;
  throw bad(path + "." + name, quote(found.mapped(), 40) + " is no whole number up to 2147483647");
}

}  // namespace

ImageMeta image_meta_of(const ImageRecord& record) {
  ImageMeta meta{.name = record.name,
                 .disk_format = record.disk_format,
                 .container_format = record.container_format,
                 .min_disk = record.min_disk,
                 .min_ram = record.min_ram,
                 .size = record.size,
                 .properties = record.properties};
  const std::string excess = too_large(record, meta);
  if (excess.empty()) return meta;
  throw Error(ErrorCode::image_unacceptable, fmt::format("image {} has {}", quote(record.ref.shown()), excess))
      .set_hint("take out of the image's record what isn't needed to run it");
}

json to_json(const ImageMeta& meta) {
  json object = {{"name", meta.name}, {"properties", meta.properties}};
  put(object, "disk_format", meta.disk_format);
  put(object, "container_format", meta.container_format);
  put(object, "min_disk", meta.min_disk);
  put(object, "min_ram", meta.min_ram);
  if (meta.size) object["size"] = meta.size->count;
  return object;
}

ImageMeta stored_image_meta(const json& stored) {
  ImageMeta meta;
  meta.name = stored.at("name").get<std::string>();
  meta.disk_format = value_in<std::string>(stored, "disk_format");
  meta.container_format = value_in<std::string>(stored, "container_format");
  meta.min_disk = value_in<std::uint64_t>(stored, "min_disk");
  meta.min_ram = value_in<std::uint64_t>(stored, "min_ram");
  if (const auto size = value_in<std::uint64_t>(stored, "size")) meta.size = Bytes{*size};
  meta.properties = stored.at("properties").get<std::map<std::string, std::string>>();
  return meta;
}

ImageMeta requested_image_meta(const json& value, const std::string& path) {
  json own = value;
  if (own.is_object()) {
    for (const char* name : kIgnored) own.erase(name);
  }
  JsonFields fields(own, path);
  ImageMeta meta;
  meta.name = fields.text("name", kLongestName).value_or("");
  meta.disk_format = fields.text("disk_format", kLongestName);
  meta.container_format = fields.text("container_format", kLongestName);
  meta.min_disk = fields.number("min_disk", kLargestMinimum);
  meta.min_ram = fields.number("min_ram", kLargestMinimum);
  if (const auto size = fields.number("size", kLargestSize)) meta.size = Bytes{*size};
  if (const json* properties = fields.object("properties")) {
    meta.properties = properties_in(*properties, fields.path_of("properties"));
  }
  fields.finish();
  return meta;
}

ImageMeta requested_volume_metadata(const json& value, const std::string& path) {
  ImageMeta meta;
  meta.properties = properties_in(value, path);
  for (const char* name : kNotOfVolume) meta.properties.erase(name);
  meta.min_disk = take_minimum(meta.properties, "min_disk", path);
  meta.min_ram = take_minimum(meta.properties, "min_ram", path);
  return meta;
}

}  // namespace basecache::model
