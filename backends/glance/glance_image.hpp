#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/model/image.hpp"

namespace basecache::glance {

// Where a store keeps an image's bytes.
struct ImageLocation {
  std::string url;  // may hold credentials: shown through redact_url() only
  std::map<std::string, std::string> metadata;

  friend bool operator==(const ImageLocation&, const ImageLocation&) = default;
};

// What the registry knows of an image, in its own words. Texts it hasn't are "".
struct GlanceImage {
  std::string id;
  std::string name;
  std::string status;  // see image_status.hpp
  std::string visibility;
  std::string owner;
  std::optional<std::string> disk_format;
  std::optional<std::string> container_format;
  std::optional<Bytes> size;  // of the stored bytes
  std::optional<Bytes> virtual_size;
  std::string checksum;  // md5
  std::string os_hash_algo;
  std::string os_hash_value;
  bool is_hidden = false;
  bool is_protected = false;
  std::uint64_t min_disk = 0;  // GiB
  std::uint64_t min_ram = 0;   // MiB
  std::vector<std::string> tags;
  std::string created_at;  // ISO 8601, UTC
  std::string updated_at;
  std::vector<std::string> stores;
  std::string direct_url;  // may hold credentials
  std::vector<ImageLocation> locations;
  std::map<std::string, std::string> properties;  // everything else
};

// A record of the image API, version 2. Absent and null are the same, unknown members are properties.
// Error(source_unavailable) naming a member of another type than it has to be.
GlanceImage parse_image(const nlohmann::json& record);
GlanceImage parse_image(const std::string& answer);

// Whether every record has that member; all other members are properties.
bool is_own_member(std::string_view name);

// For people and programs that list images: as the record was, with redacted URLs.
nlohmann::json to_json(const GlanceImage& image);

// What the image's bytes are verified by: os_hash when we know its algorithm, else the md5 checksum; nothing when the
// registry has neither. Error(source_unavailable) for one that can't be of its algorithm, image_unacceptable when all
// there is is of an algorithm that we don't verify: bytes that nobody checks are not what its owner meant.
std::optional<Digest> digest_of(const GlanceImage& image);

// What the cache needs to know, under the caller's `ref`.
model::ImageRecord record_of(const GlanceImage& image, const model::ImageRef& ref);

}  // namespace basecache::glance
