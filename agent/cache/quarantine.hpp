#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/cache/base_file_users.hpp"
#include "agent/cache/unfitness.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// One file that was taken out of use.
struct QuarantinedFile {
  std::string name;  // in .basecache/quarantine/: "<key>", "<key>.2" ...
  std::string key;
  std::string reason;
  std::string origin;      // "" when unknown
  std::int64_t found = 0;  // seconds since the epoch
  Bytes allocated = {};
};

// Takes unfit base files out of use. One that nobody has is moved to .basecache/quarantine/ with a <name>.json that
// says why (unfitness.hpp), so that the next request fetches its image anew; nothing removes it from there but people.
// One that disks stand on stays where it is, for a guest that is started again must find it; it is marked, and no
// request gets it any more. The mark is followed up when it is met again: once its users are gone, it is moved.
class Quarantine {
 public:
  Quarantine(const layout::CacheLayout& layout, const BaseFileUsers& users) : layout_(layout), users_(users) {}

  // Marks the base file that is there. The caller holds a lock of the key; a shared one will do. Told in the log.
  void condemn(const model::CacheKey& key, const Unfitness& why);

  // Moves the base file away if it is marked and nobody has it. Nothing: it is gone, or wasn't marked; else why it
  // stays. Takes the exclusive lock of the key without waiting, so the caller holds none, and not while it asks who has
  // it.
  std::optional<std::string> isolate(const model::CacheKey& key, const OpContext& op);
  // The same for a caller who holds it.
  std::optional<std::string> isolate_locked(const model::CacheKey& key, const OpContext& op);

  // Why a base file that isn't marked would have to stay; nothing when nobody has it.
  std::optional<std::string> reason_to_stay(const model::CacheKey& key, const OpContext& op) const {
    return users_.reason_to_stay(key, op);
  }

  // By name.
  std::vector<QuarantinedFile> list() const;

 private:
  void move_away(const model::CacheKey& key);

  const layout::CacheLayout& layout_;
  const BaseFileUsers& users_;
};

}  // namespace basecache::cache
