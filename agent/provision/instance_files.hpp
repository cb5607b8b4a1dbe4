#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agent/cache/base_file.hpp"
#include "agent/domain/domain.hpp"
#include "agent/provision/file_owner.hpp"

namespace basecache::provision {

class InstanceDirectory;
class InstanceVolumes;
struct MadeInstance;
struct InstanceImage;

struct InstanceFileSettings {
  FileOwner owner = {};  // of new disks, boot files and console.log
  mode_t mode = 0600;    // of everything that is new
  domain::Hypervisor hypervisor = {};
};

// What stands in an instance's directory besides its disks, and whose all of it is: before it is there, it has its
// owner and its mode.
//
// console.log is made empty, so that libvirt finds one with the right owner (LP 1597644); one that is there is left
// alone. libvirt.xml is the caller's, else made from the disks; one that a caller gave stays until the caller gives
// another. It is owned as the directory is, and nobody else may write it: QEMU's user must not say what the next domain
// is. A rescue has a libvirt.xml.rescue beside it.
class InstanceFiles {
 public:
  static constexpr const char* kConsoleLog = "console.log";
  static constexpr const char* kDomain = "libvirt.xml";  // with the suffix

  explicit InstanceFiles(InstanceFileSettings settings = {}) : settings_(std::move(settings)) {}

  // Error(image_unacceptable) when the hypervisor can't take such a disk from that base file.
  void require_fit(const std::string& disk, const cache::BaseFile& base) const;

  // Stages what the instance keeps of its image, which nobody but the directory's owner may write: what it says decides
  // what the next domain is.
  void provide_image(const InstanceImage& image, const std::string& suffix, InstanceDirectory& directory) const;

  // Stages what is missing or has changed, and gives the disks that were staged to their owner.
  void provide(const MadeInstance& made, InstanceDirectory& directory, const InstanceVolumes& volumes) const;

  const domain::Hypervisor& hypervisor() const { return settings_.hypervisor; }

 private:
  void stage_text(std::string_view text, const Path& staged) const;
  void provide_console_log(InstanceDirectory& directory) const;
  void provide_domain(const std::string& name, std::string_view given, const domain::Domain& domain,
                      InstanceDirectory& directory) const;
  void hand_over_disk(const std::string& disk, const Path& staged) const;
  static void hand_over(int fd, const FileOwner& owner, mode_t mode, const Path& path);

  InstanceFileSettings settings_;
};

}  // namespace basecache::provision
