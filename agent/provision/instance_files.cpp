#include "agent/provision/instance_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <optional>
#include <span>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/provision/instance_directory.hpp"
#include "agent/provision/instance_domain.hpp"
#include "agent/provision/instance_image.hpp"
#include "agent/provision/instance_volumes.hpp"
#include "agent/provision/standing_domain.hpp"
#include "agent/provision/whole_file_system.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

bool is_root(std::string_view disk) { return disk == model::kRootDisk || disk == "disk.rescue"; }

UniqueFd new_file(const Path& path) {
  return open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
}

std::optional<RescuedDisk> rescued_disk(const InstanceDirectory& directory, const InstanceVolumes& volumes) {
  const std::string root(model::kRootDisk);
  const std::string format = directory.recorded(root);
  if (!format.empty()) return RescuedDisk{.path = directory.place(root).path, .format = format, .is_volume = false};
  if (!volumes.existing(root)) return std::nullopt;
  return RescuedDisk{.path = volumes.place(root).path, .format = "raw", .is_volume = true};
}

}  // namespace

void InstanceFiles::require_fit(const std::string& disk, const cache::BaseFile& base) const {
  if (settings_.hypervisor.virt_type == model::VirtType::lxc && is_root(disk)) require_whole_file_system(base);
}

void InstanceFiles::provide(const MadeInstance& made, InstanceDirectory& directory,
                            const InstanceVolumes& volumes) const {
  const model::InstanceSpec& spec = made.spec;
  for (const std::string& disk : directory.staged_disks()) hand_over_disk(disk, directory.place(disk).staged);
  const bool is_rescue = !spec.suffix.empty();
  if (!is_rescue) provide_console_log(directory);
  const auto rescued = is_rescue ? rescued_disk(directory, volumes) : std::nullopt;
  const Path instance_directory = directory.place(kDomain).path.parent_path();
  provide_domain(kDomain + spec.suffix, spec.libvirt_xml, domain_of(made, instance_directory, rescued), directory);
}

void InstanceFiles::provide_console_log(InstanceDirectory& directory) const {
  const DiskPlace place = directory.place(kConsoleLog);
  if (fs::symlink_status(place.path).type() != fs::file_not_found) return;
  hand_over(new_file(place.staged).get(), settings_.owner, settings_.mode, place.staged);
  directory.add_file(kConsoleLog, false);
}

void InstanceFiles::provide_domain(const std::string& name, std::string_view given, const domain::Domain& domain,
                                   InstanceDirectory& directory) const {
  const DiskPlace place = directory.place(name);
  const auto standing = standing_domain(place.path);
  const std::string text = domain_to_stand(given, standing, domain, settings_.hypervisor);
  if (standing == text) return;
  stage_text(text, place.staged);
  directory.add_file(name, true);
}

void InstanceFiles::provide_image(const InstanceImage& image, const std::string& suffix,
                                  InstanceDirectory& directory) const {
  const std::string name = InstanceImage::kFileName + suffix;
  stage_text(image.to_text(), directory.place(name).staged);
  directory.add_first(name);
}

void InstanceFiles::stage_text(std::string_view text, const Path& staged) const {
  const UniqueFd fd = new_file(staged);
  write_all(fd.get(), std::as_bytes(std::span(text)), staged);
  inherit_owner(staged);
  hand_over(fd.get(), {}, settings_.mode & ~kOthersWrite, staged);
}

// The root disk of User-mode Linux stays root's, as older Novas had it.
void InstanceFiles::hand_over_disk(const std::string& disk, const Path& staged) const {
  FileOwner owner = settings_.owner;
  if (settings_.hypervisor.virt_type == model::VirtType::uml && is_root(disk)) owner.user = 0;
  hand_over(open_file(staged, O_RDONLY | O_NOFOLLOW).get(), owner, settings_.mode, staged);
}

void InstanceFiles::hand_over(int fd, const FileOwner& owner, mode_t mode, const Path& path) {
  if (owner.is_given() && ::fchown(fd, owner.user, owner.group) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "give " + quote(path.native()) + " to its owner");
  }
  if (::fchmod(fd, mode) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "set the permissions of " + quote(path.native()));
}

}  // namespace basecache::provision
