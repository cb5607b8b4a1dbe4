#pragma once

#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/cache/cache_layout.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::cache {

// What we remember of a base file, beside it in .basecache/records/. A base file without one was inherited (from Nova):
// it is inspected before its first use and gets one then.
struct BaseFileRecord {
  std::string origin;  // the image ref as it may be shown, or what was formatted
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes virtual_size = {};
  std::optional<model::DiskFormat> source_format = {};  // of the fetched image
  std::optional<Digest> source_digest = {};             // of the fetched bytes
  std::int64_t created = 0;                             // seconds since the epoch
};

std::optional<BaseFileRecord> read_record(const CacheLayout& layout,
                                          const model::CacheKey& key);  // unreadable: nothing
void write_record(const CacheLayout& layout, const model::CacheKey& key, const BaseFileRecord& record);

}  // namespace basecache::cache
