#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/metadata/drive_contents.hpp"

struct Iso_Image;
struct Iso_Dir;
struct burn_source;

namespace basecache::drive {

// The tree of files of one ISO 9660 image, in memory, as libisofs' objects.
class IsoImageTree {
 public:
  explicit IsoImageTree(const std::string& volume_id);

  // Copies the contents. Error(invalid_request): see Iso9660Writer.
  void add(const metadata::DriveFile& file);

  struct FreeSource {
    void operator()(burn_source* source) const;
  };
  // The image's bytes, made by a thread of libisofs that ends with the source. The tree must outlive it.
  std::unique_ptr<burn_source, FreeSource> bytes() const;

 private:
  struct FreeImage {
    void operator()(Iso_Image* image) const;
  };

  // The directory of that path below the root ("openstack/latest"; "" is the root), made if it is missing.
  Iso_Dir* directory(const std::string& path);

  std::unique_ptr<Iso_Image, FreeImage> image_;
  std::map<std::string, Iso_Dir*> directories_;  // owned by the image
};

}  // namespace basecache::drive
