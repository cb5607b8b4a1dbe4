#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "agent/base/digest.hpp"
#include "agent/base/error.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/model/image.hpp"

namespace basecache::cache {

// What a refusal holds for: an image of which none of these has changed would be refused again.
struct RefusedImage {
  std::string origin;  // the image ref as it may be shown; for people
  Digest digest;       // of its bytes, as its source promises it
  std::optional<std::string> declared_format;
  model::ImageUse use = model::ImageUse::disk;
  unsigned rules = 0;  // of the inspector
};

// The images that were refused for what their whole, verified bytes are, kept in .basecache/refusals/, one a key:
// {"image_ref","digest","declared_format","as_boot_file","rules","found",
//  "error":{"message","hint","fields":[[name,value]]}}.
// What only a setting refuses (max_virtual_size) isn't kept, for the setting may change. Whoever asks or remembers
// holds the exclusive lock of the key; to forget needs none. What can't be kept is only fetched once more.
class Refusals {
 public:
  static constexpr std::size_t kMost = 1000;  // then the oldest goes

  explicit Refusals(const layout::CacheLayout& layout) : layout_(layout) {}

  void remember(const model::CacheKey& key, const RefusedImage& image, const Error& why) const noexcept;

  // The same Error again, saying since when, if that very image was refused. A file that can't be understood is
  // removed.
  void require_none(const model::CacheKey& key, const RefusedImage& image) const;

  bool forget(const model::CacheKey& key) const;  // false: there was none

  // Those that were found so long ago; their number.
  std::size_t forget_older_than(std::chrono::seconds age) const;

 private:
  const layout::CacheLayout& layout_;
};

}  // namespace basecache::cache
