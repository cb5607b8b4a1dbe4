#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace basecache::model {

// The name of a base file in `_base`. Exactly Nova's names (nova/virt/libvirt/imagecache.py get_cache_fname,
// driver.py _create_image), so that a cache can be shared with or inherited from Nova.
class CacheKey {
 public:
  enum class Kind {
    image,          // sha1(image ref)
    resized_image,  // <sha1>_<GiB>, <sha1>_sm: legacy of old Novas, recognised and pruned, never made
    ephemeral,      // ephemeral_<GiB>_<7 hex digits>
    swap,           // swap_<MiB>
  };

  static CacheKey for_image(std::string_view image_ref);
  // `formatted_by`: what really formats it, a file system's name or a mkfs command: first 7 digits of its md5.
  static CacheKey for_ephemeral(std::uint64_t gibibytes, std::string_view formatted_by);
  static CacheKey for_swap(std::uint64_t mebibytes);

  // A file name found in `_base` or sent by a caller; nothing when it isn't a base file's name.
  static std::optional<CacheKey> parse(std::string_view name);

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  friend bool operator==(const CacheKey&, const CacheKey&) = default;
  friend auto operator<=>(const CacheKey& a, const CacheKey& b) { return a.text_ <=> b.text_; }

 private:
  CacheKey(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  std::string text_;
};

std::string_view name_of(CacheKey::Kind kind);

}  // namespace basecache::model
