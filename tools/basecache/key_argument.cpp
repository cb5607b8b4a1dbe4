#include "tools/basecache/key_argument.hpp"

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::cli {

std::shared_ptr<std::string> add_key_argument(Command& command) {
  auto key = std::make_shared<std::string>();
  command.argument("key", *key, "name of the base file, as 'basecache cache list' shows it");
  return key;
}

std::string key_target(const std::string& key) {
  if (model::CacheKey::parse(key)) return "/v1/cache/" + key;
  throw Error(ErrorCode::invalid_request, quote(key, 80) + " is not the name of a base file")
      .set_hint("'basecache cache list' shows the keys");
}

}  // namespace basecache::cli
