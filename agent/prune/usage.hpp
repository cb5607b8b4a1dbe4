#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/model/cache_key.hpp"

namespace basecache::prune {

// Which base files are referred to, by whom.
struct Usage {
  // "instance <uuid> disk 'disk.local'", "domain 'web01' disk vda", "node 'n2': domain 'db' disk vda"
  std::map<model::CacheKey, std::vector<std::string>> users;
  std::vector<std::string> unreadable;  // why usage isn't known; then nothing may be removed

  void add(Usage other);
};

}  // namespace basecache::prune
