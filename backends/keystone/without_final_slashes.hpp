#pragma once

#include <string_view>

namespace basecache::keystone {

// "http://host/v3//" -> "http://host/v3": paths are appended with a slash of their own.
inline std::string_view without_final_slashes(std::string_view url) {
  const std::size_t last = url.find_last_not_of('/');
  return last == std::string_view::npos ? std::string_view{} : url.substr(0, last + 1);
}

}  // namespace basecache::keystone
