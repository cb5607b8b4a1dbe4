#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace basecache::glance {

// Which images are listed. Empty: any.
struct ImageFilter {
  std::string name = {};
  std::string status = {};
  std::string visibility = {};
  std::string owner = {};
  std::string disk_format = {};
  std::string container_format = {};
  std::string member_status = {};
  std::vector<std::string> tags = {};  // all of them
  std::optional<bool> is_hidden = {};
  std::optional<std::size_t> limit = {};  // of all pages together
};

// The path and query of one page with at most `page_size` images, that after the image `marker` ("": the first one).
std::string list_path(const ImageFilter& filter, std::size_t page_size, const std::string& marker);

}  // namespace basecache::glance
