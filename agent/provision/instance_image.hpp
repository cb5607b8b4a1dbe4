#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/image/system_metadata.hpp"
#include "agent/model/image_meta.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::provision {

// What an instance keeps of its image beside its disks, in image_meta.json (a rescue in image_meta.json.rescue):
// {"ref": text, "system_metadata": {"image_<key>": text}, "block_devices"?: {name: text}, "root_device_name"?: text}.
struct InstanceImage {
  static constexpr const char* kFileName = "image_meta.json";  // with the suffix

  std::string ref = {};  // of the image, as it may be shown; "": a volume's
  image::SystemMetadata system_metadata = {};
  std::map<std::string, std::string> block_devices = {};  // properties of the image, whole; not shown
  // The image's, which may be told by its mappings alone, and those aren't kept; "": none.
  std::string root_device_name = {};

  // Nothing when there is none, or one that can't be understood (a power cut may leave it empty).
  static std::optional<InstanceImage> read(const Path& directory, const std::string& suffix = "");
  std::string to_text() const;
  model::ImageMeta meta() const;
};

// What is known of the image that an instance is made from, before any of its disks is.
struct ChosenImage {
  std::optional<model::ImageMeta> meta = {};        // nothing: nobody can tell, or an instance of before
  cache::KnownImage known = {};                     // of the root disk's base file
  bool is_remembered = false;                       // `meta` is a base file's record of what was once said
  bool is_new = false;                              // and is to be kept beside the disks
  ErrorCode blame = ErrorCode::image_unacceptable;  // for a wrong property: the image's, or the request's
};

// Where its root disk stands already: what was kept then, else the request's image_meta, else what its base file
// remembers, and nobody is asked; what was lost (a power cut, a kill between volumes and directory) is so kept again.
// Else the request's, else the registry's. Nothing for an instance on a volume that tells nothing.
ChosenImage choose_image(const model::InstanceSpec& spec, const Path& directory, bool has_root, bool is_on_volume,
                         cache::ImageCache& cache, OpContext& op);

// Calls `accept`, which throws when the image of `chosen` can't be taken. One that was only remembered is asked about
// once more, and `accept` called again where its source says something else now.
void require_acceptable(ChosenImage& chosen, const model::InstanceSpec& spec, cache::ImageCache& cache, OpContext& op,
                        const std::function<void()>& accept);

}  // namespace basecache::provision
