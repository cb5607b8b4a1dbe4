#pragma once

#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/image_meta.hpp"

namespace basecache::cache {

// What we remember of a base file, beside it in .basecache/records/. It holds for one file only, not for its name: Nova
// removes base files and makes new ones without looking here. A base file without a record was inherited (from Nova):
// it is inspected before its first use and gets one then.
struct BaseFileRecord {
  std::string origin;  // the image ref as it may be shown, or what was formatted
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes virtual_size = {};
  std::optional<model::DiskFormat> source_format = {};  // of the fetched image
  std::optional<Digest> source_digest = {};             // of the fetched bytes
  std::int64_t created = 0;                             // seconds since the epoch
  unsigned rules = 0;              // of the inspector, that it passed; 0: older than their being counted
  bool is_boot_file_only = false;  // passed them as a kernel or ramdisk, and wouldn't as a disk
  std::optional<std::string> content_digest = {};   // of the base file itself (content_digest.hpp), since it was made
  std::optional<model::ImageMeta> image_meta = {};  // of the registry's record; nothing: nobody has asked it
};

// The record of the base file that is there now; nothing when it has none, or an unreadable one.
std::optional<BaseFileRecord> read_record(const layout::CacheLayout& layout, const model::CacheKey& key);
// `file` is what the record holds for: the base file, or the staged file that is about to become it.
void write_record(const layout::CacheLayout& layout, const model::CacheKey& key, const BaseFileRecord& record,
                  const Path& file);

}  // namespace basecache::cache
