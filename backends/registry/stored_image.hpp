#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"

namespace basecache::registry {

// What the directory registry knows of one image, in the words of the image API v2. Also what the CLI shows.
struct StoredImage {
  std::string id;  // UUID, lower case
  std::string name;
  std::string disk_format;  // "raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ami", "aki", "ari"
  std::string container_format = "bare";
  Bytes size;
  Digest digest;               // os_hash_algo, os_hash_value
  std::uint64_t min_disk = 0;  // GiB
  std::uint64_t min_ram = 0;   // MiB
  std::string created_at;      // "2026-01-31T12:00:00Z"
  std::map<std::string, std::string> properties;
};

// Error(invalid_request) naming the first field that no caller may give an image: a format that isn't one of the image
// API's, a name or property that is too long, too many properties, a disk or memory minimum no node has.
void check_description(const StoredImage& image);

// {"id","name","disk_format","container_format","size","os_hash_algo","os_hash_value","min_disk","min_ram",
//  "created_at","properties":{...}}
nlohmann::json to_json(const StoredImage& image);

// The record of image `id`. Strict: every field is there and valid, and there are no others.
// Error(image_unacceptable) saying what is wrong with it.
StoredImage stored_image_from(std::string_view record, std::string_view id);

}  // namespace basecache::registry
