#pragma once

#include <optional>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/cache_key.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/image.hpp"

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
  // One image may be asked for as a disk and as a kernel, and has one base file: what is refused as a disk is none, and
  // what was converted isn't the image's bytes.
  bool serves(model::ImageUse use) const {
    return use == model::ImageUse::disk ? !is_boot_file_only_ : is_raw_as_it_came_;
  }

 private:
  BaseFile(model::CacheKey key, Path path, model::DiskFormat format, Bytes virtual_size)
      : key_(std::move(key)), path_(std::move(path)), format_(format), virtual_size_(virtual_size) {}

  model::CacheKey key_;
  Path path_;
  model::DiskFormat format_;
  Bytes virtual_size_;
  unsigned rules_ = 0;
  bool is_boot_file_only_ = false;
  bool is_raw_as_it_came_ = true;
};

}  // namespace basecache::cache
