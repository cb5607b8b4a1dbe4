#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"

namespace basecache::model {

struct ImageRecord;

// What is kept of an image's record for the instances that are made from it (nova/objects/image_meta.py).
struct ImageMeta {
  std::string name = {};
  std::optional<std::string> disk_format = {};  // in the registry's words
  std::optional<std::string> container_format = {};
  std::optional<std::uint64_t> min_disk = {};  // GiB
  std::optional<std::uint64_t> min_ram = {};   // MiB
  std::optional<Bytes> size = {};              // of the stored bytes
  // Everything else that the registry says of it, as text, whether we know it or not.
  std::map<std::string, std::string> properties = {};

  friend bool operator==(const ImageMeta&, const ImageMeta&) = default;
};

// As JSON: what a record of a base file has room for.
inline constexpr std::size_t kMostStoredBytes = 256 * 1024;

// Error(image_unacceptable) when it is larger than that, has more than 1024 properties, a name of more than 1020 bytes
// or a format of more than 255.
ImageMeta image_meta_of(const ImageRecord& record);

// As it is kept: {"name","disk_format"?,"container_format"?,"min_disk"?,"min_ram"?,"size"?,"properties":{name: text}}.
nlohmann::json to_json(const ImageMeta& meta);
ImageMeta stored_image_meta(const nlohmann::json& stored);  // what to_json() made; throws nlohmann's own

// A request's image_meta: the object above, as Nova's drivers are given it. Values of properties are text, numbers,
// truths; lists and objects (block_device_mapping) are kept as their JSON. What else Nova has there (id, status,
// owner, ...) is taken and ignored. Error(invalid_request) naming the field.
ImageMeta requested_image_meta(const nlohmann::json& value, const std::string& path);

// A request's volume_image_metadata: one flat object of texts, as Cinder has it of a bootable volume
// (nova/block_device.py, get_image_metadata_from_volume). The volume's own size and format are not those of the image
// that it was made from. Error(invalid_request) naming the field.
ImageMeta requested_volume_metadata(const nlohmann::json& value, const std::string& path);

}  // namespace basecache::model
