#include "agent/image/system_metadata.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/base/text.hpp"

namespace basecache::image {
namespace {

constexpr std::string_view kPrefix = "image_";
constexpr std::size_t kLongestValue = 255;
constexpr const char* kBaseImage = "image_base_image_ref";  // nova/compute/api.py
// nova/utils.py, SM_SKIP_KEYS.
constexpr std::array<std::string_view, 4> kSkipped{"mappings", "block_device_mapping", "img_mappings",
                                                   "img_block_device_mapping"};

bool is_skipped(std::string_view key) { return std::ranges::find(kSkipped, key) != kSkipped.end(); }

// oslo.utils, safe_encode and nova/utils.py, safe_truncate: no character of UTF-8 is cut in two.
std::string truncated(const std::string& text) {
  if (text.size() <= kLongestValue) return text;
  std::size_t end = kLongestValue;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::uint64_t min_disk_of(const model::ImageMeta& meta, std::uint64_t root_gb) {
  return meta.disk_format == "vhd" ? root_gb : std::max(meta.min_disk.value_or(0), root_gb);
}

std::string image_key(std::string_view key) { return std::string(kPrefix) + std::string(key); }

}  // namespace

SystemMetadata system_metadata_of(const model::ImageMeta& meta, std::uint64_t root_gb, std::string_view ref) {
  SystemMetadata metadata;
  for (const auto& [key, value] : meta.properties) {
    if (!is_skipped(key)) metadata[image_key(key)] = truncated(value);
  }
  metadata[image_key("min_disk")] = std::to_string(min_disk_of(meta, root_gb));
  if (meta.min_ram) metadata[image_key("min_ram")] = std::to_string(*meta.min_ram);
  if (meta.disk_format) metadata[image_key("disk_format")] = *meta.disk_format;
  if (meta.container_format) metadata[image_key("container_format")] = *meta.container_format;
  if (!ref.empty()) metadata.emplace(kBaseImage, ref);
  return metadata;
}

std::map<std::string, std::string> block_device_properties(const model::ImageMeta& meta) {
  std::map<std::string, std::string> properties;
  for (const auto& [key, value] : meta.properties) {
    if (is_skipped(key)) properties.emplace(key, value);
  }
  return properties;
}

model::ImageMeta image_meta_from(const SystemMetadata& system_metadata) {
  model::ImageMeta meta;
  for (const auto& [name, value] : system_metadata) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string key = name.substr(kPrefix.size());
    if (is_skipped(key)) continue;
    if (key == "min_disk") {
      meta.min_disk = parse_unsigned(value);
    } else if (key == "min_ram") {
      meta.min_ram = parse_unsigned(value);
    } else if (key == "disk_format") {
      meta.disk_format = value;
    } else if (key == "container_format") {
      meta.container_format = value;
    } else {
      meta.properties[key] = value;
    }
  }
  return meta;
}

}  // namespace basecache::image
