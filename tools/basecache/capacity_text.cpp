#include "tools/basecache/capacity_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"

namespace basecache::cli {

std::string capacity_text(const nlohmann::json& capacity) {
  const auto size = [&](const char* name) { return to_text(Bytes{capacity[name].get<std::uint64_t>()}); };
  std::string text = "the cache has " + size("used_bytes");
  if (!capacity["max_bytes"].is_null()) text += " of at most " + size("max_bytes");
  return text + fmt::format("; {} are free, of which {} are kept free\n", size("free_bytes"), size("min_free_bytes"));
}

}  // namespace basecache::cli
