#include "agent/cache/pins.hpp"

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"

namespace basecache::cache {

void Pins::pin(const model::CacheKey& key, const std::string& reason) { replace_small_file(layout_.pin(key), reason); }

bool Pins::unpin(const model::CacheKey& key) {
  const bool was_pinned = reason(key).has_value();
  remove_file(layout_.pin(key));
  return was_pinned;
}

std::optional<std::string> Pins::reason(const model::CacheKey& key) const { return read_small_file(layout_.pin(key)); }

std::set<model::CacheKey> Pins::all() const {
  std::set<model::CacheKey> pinned;
  for (const auto& entry : boost::filesystem::directory_iterator(layout_.pin_directory())) {
    if (auto key = model::CacheKey::parse(entry.path().filename().native())) pinned.insert(std::move(*key));
  }
  return pinned;
}

}  // namespace basecache::cache
