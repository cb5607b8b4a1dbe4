#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/glance/new_image.hpp"

namespace basecache::glance {

// What this registry takes as an image's record: "schemas/image" of the image API, as far as we send it.
class ImageSchema {
 public:
  // Error(source_unavailable) for an answer that is no schema.
  static ImageSchema parse(const std::string& answer);

  // Error(invalid_request) naming the first field that the registry wouldn't take, and what it takes instead.
  void check(const NewImage& image) const;
  // Of a member or property with a text.
  void check(std::string_view name, const std::string& value) const;

  // Empty: any.
  std::vector<std::string> disk_formats() const { return allowed("disk_format"); }
  std::vector<std::string> container_formats() const { return allowed("container_format"); }

 private:
  struct Member {
    std::vector<std::string> types;   // empty: any
    std::vector<std::string> values;  // the only ones that are allowed; empty: any
    std::optional<std::size_t> longest;
    bool is_read_only = false;
  };

  std::vector<std::string> allowed(const std::string& name) const;
  static Member parse_member(const nlohmann::json& schema, const std::string& name);

  std::map<std::string, Member, std::less<>> members_;
  std::optional<Member> other_;  // properties without a schema of their own; nothing: there may be none
};

}  // namespace basecache::glance
