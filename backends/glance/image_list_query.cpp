#include "backends/glance/image_list_query.hpp"

#include <fmt/format.h>

#include <string_view>

#include "backends/glance/api_path.hpp"

namespace basecache::glance {
namespace {

void add(std::string& path, std::string_view name, std::string_view value) {
  if (!value.empty()) path += fmt::format("&{}={}", name, percent_encode(value));
}

}  // namespace

std::string list_path(const ImageFilter& filter, std::size_t page_size, const std::string& marker) {
  std::string path = fmt::format("/v2/images?limit={}", page_size);
  add(path, "name", filter.name);
  add(path, "status", filter.status);
  add(path, "visibility", filter.visibility);
  add(path, "owner", filter.owner);
  add(path, "disk_format", filter.disk_format);
  add(path, "container_format", filter.container_format);
  add(path, "member_status", filter.member_status);
  for (const std::string& tag : filter.tags) add(path, "tag", tag);
  if (filter.is_hidden) add(path, "os_hidden", *filter.is_hidden ? "true" : "false");
  add(path, "marker", marker);
  return path;
}

}  // namespace basecache::glance
