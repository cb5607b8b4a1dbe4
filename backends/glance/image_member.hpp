#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace basecache::glance {

// A project that an image is shared with.
struct ImageMember {
  std::string image_id;
  std::string member_id;  // the project's id
  std::string status;     // "pending", "accepted", "rejected"
  std::string created_at;
  std::string updated_at;

  friend bool operator==(const ImageMember&, const ImageMember&) = default;
};

// Answers of the image API. Error(source_unavailable) for one that isn't such.
ImageMember parse_member(const std::string& answer);
std::vector<ImageMember> parse_members(const std::string& answer);

nlohmann::json to_json(const ImageMember& member);

}  // namespace basecache::glance
