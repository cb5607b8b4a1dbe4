#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/model/disk_format.hpp"

namespace basecache::model {

// What a caller names: the UUID of a registry's image or a URL (file, http, https). Validated, as it was spelt:
// the cache key is the digest of exactly this text.
class ImageRef {
 public:
  enum class Kind { registry_id, url };

  // Error(invalid_request) naming `field`: neither UUID nor URL, control characters, over 2048 bytes,
  // an unknown scheme, a file URL with a host or with "..".
  static ImageRef parse(std::string_view text, std::string_view field);

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  std::string shown() const;  // without credentials and query values, for logs, errors and records
  friend bool operator==(const ImageRef&, const ImageRef&) = default;
  friend auto operator<=>(const ImageRef& a, const ImageRef& b) { return a.text_ <=> b.text_; }

 private:
  ImageRef(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  std::string text_;
};

// What an instance needs an image's bytes for. A kernel or a ramdisk is handed to the hypervisor as it came.
enum class ImageUse { disk, boot_file };

// What a source knows of an image before its bytes are fetched. A URL knows almost nothing.
struct ImageRecord {
  ImageRef ref;
  std::string name = {};
  std::optional<std::string> disk_format = {};  // as declared, in the registry's words
  std::optional<std::string> container_format = {};
  std::optional<std::uint64_t> min_disk = {};  // GiB
  std::optional<std::uint64_t> min_ram = {};   // MiB
  std::optional<Bytes> size = {};              // of the stored bytes
  std::optional<Digest> digest = {};           // of the stored bytes
  std::map<std::string, std::string> properties = {};
  // URLs where the registry says that the bytes can be had besides its own, in its order. May hold credentials.
  std::vector<std::string> locations = {};
};

}  // namespace basecache::model
