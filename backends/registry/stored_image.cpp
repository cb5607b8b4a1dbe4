#include "backends/registry/stored_image.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::registry {
namespace {

using nlohmann::json;

// The image API's schema: maxLength of "name", of the keys and values of properties (65535 is a TEXT column), and the
// registry's image_property_quota. Its integers are 32-bit.
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestValue = 65535;
constexpr std::size_t kMostProperties = 128;
constexpr std::uint64_t kLargestMinimum = std::numeric_limits<std::int32_t>::max();
// What a reader of records takes (read_small_file).
constexpr Bytes kLargestRecord = mebibytes(1);
// Files end here (off_t).
constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();

const std::vector<std::string>& disk_formats() {
  static const std::vector<std::string> words{"raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ami", "aki", "ari"};
  return words;
}

// Containers that hold nothing but the disk: what is inside the others would have to be unpacked.
const std::vector<std::string>& container_formats() {
  static const std::vector<std::string> words{"bare", "ami", "aki", "ari"};
  return words;
}

Error bad_field(std::string_view field, const std::string& why) {
  return Error(ErrorCode::invalid_request, fmt::format("{} {}", field, why)).add_field("field", std::string(field));
}

void check_word(std::string_view field, const std::string& word, const std::vector<std::string>& words) {
  if (std::ranges::find(words, word) != words.end()) return;
  Error error = bad_field(field, fmt::format("{} is none of {}", quote(word, 40), fmt::join(words, ", ")));
  if (const auto near = nearest(word, words)) error.set_hint("did you mean '" + *near + "'?");
  throw error;
}

void check_length(std::string_view field, const std::string& text, std::size_t most) {
  if (text.size() > most) throw bad_field(field, fmt::format("has {} bytes, at most {} fit", text.size(), most));
}

void check_minimum(std::string_view field, std::uint64_t value) {
  if (value > kLargestMinimum) throw bad_field(field, fmt::format("{} is more than {}", value, kLargestMinimum));
}

void check_properties(const std::map<std::string, std::string>& properties) {
  if (properties.size() > kMostProperties) {
    throw bad_field("properties", fmt::format("are {}, at most {} are kept", properties.size(), kMostProperties));
  }
  for (const auto& [key, value] : properties) {
    if (key.empty()) throw bad_field("properties", "has an empty key");
    check_length("properties", key, kLongestName);
    check_length("properties." + quote(key, 60), value, kLongestValue);
  }
}

// That it can be written down, and read again.
void check_record(const StoredImage& image) {
  std::size_t size = 0;
  try {
    size = to_json(image).dump().size();
  } catch (const json::type_error&) {
    throw bad_field("name", "and properties must be UTF-8");
  }
  if (size > kLargestRecord.count) {
    throw bad_field("properties", fmt::format("are too large: a record has at most {}", to_text(kLargestRecord)));
  }
}

// "2026-01-31T12:00:00Z", as far as its shape goes.
bool is_timestamp(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
  return std::ranges::equal(
      text, shape, [](char c, char expected) { return expected == 'd' ? c >= '0' && c <= '9' : c == expected; });
}

std::uint64_t required_number(model::JsonFields& fields, std::string_view name, std::uint64_t most) {
  const auto value = fields.number(name, most);
  if (!value) throw bad_field(name, "is missing");
  return *value;
}

std::map<std::string, std::string> properties_from(model::JsonFields& fields) {
  const json* object = fields.object("properties");
  if (object == nullptr) throw bad_field("properties", "is missing");
  std::map<std::string, std::string> properties;
  model::JsonFields entries(*object, "properties");
  for (const auto& [key, value] : object->items()) properties[key] = entries.required_text(key, kLongestValue);
  return properties;
}

StoredImage image_from(const json& record) {
  model::JsonFields fields(record, "");
  StoredImage image;
  image.id = fields.required_text("id", kLongestName);
  image.name = fields.required_text("name", kLongestName);
  image.disk_format = fields.required_text("disk_format", kLongestName);
  image.container_format = fields.required_text("container_format", kLongestName);
  image.size = {required_number(fields, "size", kLargestSize)};
  image.digest = Digest::parse(fields.required_text("os_hash_algo", kLongestName) + ":" +
                               fields.required_text("os_hash_value", kLongestName));
  image.min_disk = required_number(fields, "min_disk", kLargestMinimum);
  image.min_ram = required_number(fields, "min_ram", kLargestMinimum);
  image.created_at = fields.required_text("created_at", kLongestName);
  image.properties = properties_from(fields);
  fields.finish();
  if (!is_timestamp(image.created_at)) throw bad_field("created_at", quote(image.created_at, 40) + " is not a time");
  check_description(image);
  return image;
}

Error damaged(std::string_view id, std::string_view why) {
  return Error(ErrorCode::image_unacceptable, fmt::format("the record of image {} is damaged: {}", quote(id), why))
      .set_hint("remove the image and import it again");
}

}  // namespace

void check_description(const StoredImage& image) {
  check_length("name", image.name, kLongestName);
  check_word("disk_format", image.disk_format, disk_formats());
  check_word("container_format", image.container_format, container_formats());
  check_minimum("min_disk", image.min_disk);
  check_minimum("min_ram", image.min_ram);
  check_properties(image.properties);
  check_record(image);
}

json to_json(const StoredImage& image) {
  return {{"id", image.id},
          {"name", image.name},
          {"disk_format", image.disk_format},
          {"container_format", image.container_format},
          {"size", image.size.count},
          {"os_hash_algo", name_of(image.digest.algorithm)},
          {"os_hash_value", image.digest.hex},
          {"min_disk", image.min_disk},
          {"min_ram", image.min_ram},
          {"created_at", image.created_at},
          {"properties", image.properties}};
}

StoredImage stored_image_from(std::string_view record, std::string_view id) {
  StoredImage image;
  try {
    image = image_from(json::parse(record));
  } catch (const json::parse_error& error) {
    throw damaged(id, fmt::format("it is not JSON (byte {})", error.byte));
  } catch (const Error& error) {
    throw damaged(id, error.message());
  }
  if (image.id != id) throw damaged(id, "it is of image " + quote(image.id));
  return image;
}

}  // namespace basecache::registry
