#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/cache/room_maker.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::prune {

// [image_cache] of nova.conf; ages by mtime.
struct PruneRules {
  bool remove_unused_base_images = true;
  // Images, swap and ephemeral bases; broken transfers.
  std::chrono::seconds original_minimum_age{std::chrono::hours(24)};
  std::chrono::seconds resized_minimum_age{std::chrono::hours(1)};  // legacy <sha1>_<GiB>
  // What was used a moment ago stays even where room is needed: Nova lets go of a base file's lock and takes it again
  // before its disk stands on it. No longer than the two ages above.
  std::chrono::seconds kept_after_use{60};
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
  std::optional<std::string> busy = {};       // why it couldn't be removed a moment ago
  std::optional<std::string> withdrawn = {};  // why its image isn't to be had any more, where that is asked for
};

struct PruneDecision {
  BaseDirectoryEntry entry;
  bool remove = false;
  std::string reason;  // for people: "used by instance ... disk 'disk'", "unused for 26 h (minimum 24 h)"
};

// "used by instance ... disk 'disk' and 41 more": a popular image has a thousand users. At least one user.
std::string used_by(const std::vector<std::string>& users);

// The decisions of nova/virt/libvirt/imagecache.py, each with its reason; pure. `unreadable` not empty: keeps all base
// files. Unexplained files are kept and named. Whatever nobody uses of an image that was withdrawn goes too.
// While that leaves the cache above a limit, what nobody uses goes whatever its age, until it is below: first
// unfinished transfers, then base files, each by its last use, the larger one of two. Where all or nothing is wanted
// and not all can go, as much as the limits without the wish require, or nothing.
std::vector<PruneDecision> make_prune_plan(std::vector<BaseDirectoryEntry> entries, const PruneRules& rules,
                                           const std::vector<std::string>& unreadable,
                                           const cache::Capacity& capacity = {});

// Of what a plan keeps.
cache::StayingBytes staying_bytes(const std::vector<PruneDecision>& plan, bool usage_known);

}  // namespace basecache::prune
