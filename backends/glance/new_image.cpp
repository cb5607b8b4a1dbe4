#include "backends/glance/new_image.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

bool agrees(const std::string& asked_for, const std::string& found) { return asked_for.empty() || asked_for == found; }

std::vector<std::string> sorted(std::vector<std::string> tags) {
  std::ranges::sort(tags);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

bool has_properties(const NewImage& image, const GlanceImage& existing) {
  return std::ranges::all_of(image.properties, [&](const auto& property) {
    const auto found = existing.properties.find(property.first);
    return found != existing.properties.end() && found->second == property.second;
  });
}

}  // namespace

std::string creation_body(const NewImage& image) {
  json body = json::object();
  const auto add = [&body](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  add("id", image.id);
  add("name", image.name);
  add("disk_format", image.disk_format);
  add("container_format", image.container_format);
  add("visibility", image.visibility);
  body["min_disk"] = image.min_disk;
  body["min_ram"] = image.min_ram;
  body["protected"] = image.is_protected;
  body["os_hidden"] = image.is_hidden;
  if (!image.tags.empty()) body["tags"] = image.tags;
  for (const auto& [name, value] : image.properties) {
    if (is_own_member(name)) {
      throw Error(ErrorCode::invalid_request, quote(name) + " is a member of every image, it can't be a property")
          .add_field("field", "properties." + name);
    }
    body[name] = value;
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_made_from(const NewImage& image, const GlanceImage& existing) {
  return agrees(image.id, existing.id) && agrees(image.name, existing.name) &&
         agrees(image.disk_format, existing.disk_format.value_or("")) &&
         agrees(image.container_format, existing.container_format.value_or("")) &&
         agrees(image.visibility, existing.visibility) && image.min_disk == existing.min_disk &&
         image.min_ram == existing.min_ram && image.is_protected == existing.is_protected &&
         image.is_hidden == existing.is_hidden && sorted(image.tags) == sorted(existing.tags) &&
         has_properties(image, existing);
}

}  // namespace basecache::glance
