#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/path.hpp"
#include "agent/base/staged_file.hpp"
#include "agent/fetch/image_source.hpp"
#include "backends/registry/registry_layout.hpp"
#include "backends/registry/steady_file.hpp"
#include "backends/registry/stored_image.hpp"

namespace basecache::registry {

// What is to be imported. Everything is checked by import_image().
struct ImageImport {
  Path file;
  std::string name;               // "" is the file's name
  std::string disk_format;        // as StoredImage::disk_format
  std::optional<std::string> id;  // UUID; absent: a new one
  std::string container_format = "bare";
  std::uint64_t min_disk = 0;  // GiB
  std::uint64_t min_ram = 0;   // MiB
  std::map<std::string, std::string> properties;
};

struct ImageListing {
  struct Damaged {
    std::string id;
    std::string why;
  };
  std::vector<StoredImage> images;  // by name, then id
  std::vector<Damaged> damaged;     // by id
};

// The embedded registry: images and their records in one folder, `<directory>/<uuid>` and `<directory>/<uuid>.json`.
// An image is there when its record is. Imports are staged in `<directory>/.importing`, data published before the
// record; whatever a killed import leaves is removed by the next one. Any number of threads and processes may use one
// folder at the same time. The folder is made by the first import. IDs are taken in any case and kept in lower case.
class DirectoryRegistry : public fetch::ImageSource {
 public:
  explicit DirectoryRegistry(Path directory) : layout_{std::move(directory)} {}

  // Copies the file (a reflink where the file system can; holes stay holes) and computes its SHA-512 on the way.
  // Reports step "copy". Error(invalid_request) for what makes no sense, image_not_found for no such file, forbidden
  // for one that isn't regular, image_unacceptable for an empty one, source_unavailable for one that changes
  // meanwhile, already_exists for a taken id.
  StoredImage import_image(const ImageImport& import, OpContext& op);
  // A damaged record or a missing folder doesn't stop the list.
  ImageListing list() const;
  // Error(image_not_found, image_unacceptable). A folder that was never imported to, as a mount point without its file
  // system is, says so in a field: "registry" is "missing". describe() does too.
  StoredImage show(const std::string& id) const;
  void remove(const std::string& id, OpContext& op);  // damaged ones too; Error(image_not_found)

  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  StagedFile copy_in(const SteadyFile& source, StoredImage& image, const OpContext& op) const;
  void publish(StagedFile bytes, const StoredImage& image) const;

  const RegistryLayout layout_;
};

}  // namespace basecache::registry
