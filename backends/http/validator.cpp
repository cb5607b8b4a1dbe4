#include "backends/http/validator.hpp"

#include <curl/curl.h>

#include <ctime>

namespace basecache::http {
namespace {

// A file written twice within a clock's tick keeps its time of modification; after a minute nobody's clock is that
// coarse (RFC 9110, 8.8.2.2, recommends it).
constexpr std::time_t kOldEnough = 60;

// And one: of two nobody knows which is meant.
bool is_strong_tag(const std::string& tag) {
  return tag.size() > 2 && tag.front() == '"' && tag.find('"', 1) == tag.size() - 1;
}

}  // namespace

std::string strong_validator(const ResponseHead& head) {
  if (head.header("accept-ranges") == "none") return {};
  const std::string& tag = head.header("etag");
  if (!tag.empty()) return is_strong_tag(tag) ? tag : std::string();
  const std::string& modified = head.header("last-modified");
  const std::time_t time = ::curl_getdate(modified.c_str(), nullptr);
  const std::time_t now = ::curl_getdate(head.header("date").c_str(), nullptr);
  return time >= 0 && now >= 0 && now - time >= kOldEnough ? modified : std::string();
}

}  // namespace basecache::http
