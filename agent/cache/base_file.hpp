#pragma once

#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/cache_key.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::cache {

// A visible file of `_base`: complete, verified, never written again. Nothing but the cache's publish step makes a file
// visible, so one that is found there passed through fetch, inspection and publication (or was inherited and
// inspected).
class BaseFile {
 public:
  // The file of that name, when it is there and is known: image bases by their record; swap and ephemeral bases are raw
  // by their name.
  static std::optional<BaseFile> find(const layout::CacheLayout& layout, const model::CacheKey& key);

  const model::CacheKey& key() const { return key_; }
  const Path& path() const { return path_; }
  model::DiskFormat format() const { return format_; }
  Bytes virtual_size() const { return virtual_size_; }
  unsigned rules() const { return rules_; }  // of the inspector, that it passed; 0: none, or they weren't counted

 private:
  BaseFile(model::CacheKey key, Path path, model::DiskFormat format, Bytes virtual_size, unsigned rules)
      : key_(std::move(key)), path_(std::move(path)), format_(format), virtual_size_(virtual_size), rules_(rules) {}

  model::CacheKey key_;
  Path path_;
  model::DiskFormat format_;
  Bytes virtual_size_;
  unsigned rules_;
};

}  // namespace basecache::cache
