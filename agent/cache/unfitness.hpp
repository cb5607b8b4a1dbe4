#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/fetch/image_inspector.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::cache {

// Why a base file must not be used any more. Kept in .basecache/unfit/ while the file stands in `_base`, and beside the
// file once it is in quarantine: {"key","file","reason","findings":[{"check","detail"}],"found","origin","format",
// "source_digest","content_digest","rules"}, of which the last five are as in the base file's record and may be null.
struct Unfitness {
  std::string reason;                         // for people
  std::vector<fetch::Finding> findings = {};  // the inspector's, when they are the reason
};

// Of the base file that is there now, and only of it: one that takes its place later is fit. The caller holds a lock of
// the key; a shared one will do. Outlives a power cut.
void write_unfitness(const layout::CacheLayout& layout, const model::CacheKey& key, const Unfitness& unfitness);

// The reason; nothing when the base file that is there is fit, or there is none.
std::optional<std::string> read_unfitness(const layout::CacheLayout& layout, const model::CacheKey& key);

}  // namespace basecache::cache
