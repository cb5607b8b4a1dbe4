#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::prune {

// [image_cache] of nova.conf; ages by mtime.
struct PruneRules {
  bool remove_unused_base_images = true;
  // Images, swap and ephemeral bases; broken transfers.
  std::chrono::seconds original_minimum_age{std::chrono::hours(24)};
  std::chrono::seconds resized_minimum_age{std::chrono::hours(1)};  // legacy <sha1>_<GiB>
};

// What is known of one name in `_base`.
struct BaseDirectoryEntry {
  std::string name;
  std::optional<model::CacheKey> key;  // absent: unexplained file
  bool is_transfer = false;            // what a broken transfer of `key` left
  Bytes allocated = {};
  std::chrono::seconds age{};
  std::vector<std::string> users = {};
  std::size_t leases = 0;
  std::optional<std::string> pin = {};
};

struct PruneDecision {
  BaseDirectoryEntry entry;
  bool remove = false;
  std::string reason;  // for people: "used by instance ... disk 'disk'", "unused for 26 h (minimum 24 h)"
};

// "used by instance ... disk 'disk' and 41 more": a popular image has a thousand users. At least one user.
std::string used_by(const std::vector<std::string>& users);

// The decisions of nova/virt/libvirt/imagecache.py, each with its reason; pure. `unreadable` not empty: keeps
// everything. Unexplained files are kept and named.
std::vector<PruneDecision> make_prune_plan(std::vector<BaseDirectoryEntry> entries, const PruneRules& rules,
                                           const std::vector<std::string>& unreadable);

}  // namespace basecache::prune
