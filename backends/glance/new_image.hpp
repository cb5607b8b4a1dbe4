#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/glance/glance_image.hpp"

namespace basecache::glance {

// The record of an image that is to be made. "" and nothing are left to Glance.
struct NewImage {
  std::string id = {};  // a UUID of our own: then a lost answer can be told from a failure
  std::string name = {};
  std::string disk_format = {};
  std::string container_format = "bare";
  std::string visibility = {};
  std::uint64_t min_disk = 0;  // GiB
  std::uint64_t min_ram = 0;   // MiB
  bool is_protected = false;
  bool is_hidden = false;
  std::vector<std::string> tags = {};
  std::map<std::string, std::string> properties = {};
};

// The body of the request that creates it. Error(invalid_request) for a property with the name of a member.
std::string creation_body(const NewImage& image);

// Whether `existing` is what the request for `image` made: everything that was asked for is so.
bool is_made_from(const NewImage& image, const GlanceImage& existing);

}  // namespace basecache::glance
