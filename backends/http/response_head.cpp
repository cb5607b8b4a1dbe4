#include "backends/http/response_head.hpp"

namespace basecache::http {

const std::string& ResponseHead::header(std::string_view name) const {
  static const std::string none;
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? none : found->second;
}

}  // namespace basecache::http
