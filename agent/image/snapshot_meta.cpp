#include "agent/image/snapshot_meta.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace basecache::image {
namespace {

// nova/compute/utils.py, NON_INHERITABLE_IMAGE_PROPERTIES and NON_INHERITABLE_IMAGE_NAMESPACES.
constexpr std::array<std::string_view, 6> kOfOneImage{
    "cinder_encryption_key_id", "cinder_encryption_key_deletion_policy", "img_signature", "img_signature_hash_method",
    "img_signature_key_type",   "img_signature_certificate_uuid"};
constexpr std::string_view kOfGlance = "os_glance";

bool is_of_one_image(std::string_view key) {
  return key.starts_with(kOfGlance) || std::ranges::find(kOfOneImage, key) != kOfOneImage.end();
}

}  // namespace

const std::set<std::string>& default_non_inheritable() {
  static const std::set<std::string> names{"cache_in_nova", "bittorrent"};
  return names;
}

model::ImageMeta snapshot_meta(const SystemMetadata& system_metadata, const std::string& name,
                               const std::set<std::string>& non_inheritable) {
  model::ImageMeta meta = image_meta_from(system_metadata);
  meta.name = name;
  meta.disk_format.reset();
  meta.container_format.reset();
  std::erase_if(meta.properties, [&](const auto& property) {
    return is_of_one_image(property.first) || non_inheritable.contains(property.first);
  });
  return meta;
}

}  // namespace basecache::image
