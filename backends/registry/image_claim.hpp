#pragma once

#include <string>

#include "agent/base/file_lock.hpp"
#include "backends/registry/registry_layout.hpp"

namespace basecache::registry {

// The right to import or remove the image `id`, held by one thread of one process at a time. Whoever ends a claim
// leaves the image whole or absent: staged files go, and so do bytes without a record.
// The lock file is the first thing an import makes and the last one it removes.
class ImageClaim {
 public:
  // Waits for the present holder: Cancelled, Error(timed_out). The staging folder must be there. `layout` must outlive
  // the claim.
  ImageClaim(const RegistryLayout& layout, std::string id, const OpContext& op);
  ImageClaim(const ImageClaim&) = delete;
  ImageClaim& operator=(const ImageClaim&) = delete;
  ~ImageClaim();

  // Removes staged files, and the image's bytes when there is no record of it.
  void clear_leftovers() const noexcept;

  // Ends what killed processes have begun. Never waits: what is held is alive.
  static void sweep(const RegistryLayout& layout);

 private:
  struct Try {};
  ImageClaim(const RegistryLayout& layout, std::string id, Try);

  const RegistryLayout& layout_;
  const std::string id_;
  FileLock lock_;
  ExclusiveLock held_;
};

}  // namespace basecache::registry
