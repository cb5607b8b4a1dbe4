#include "backends/lvm/mapped_device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstring>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

// "253:3"; "" when there is no such device.
std::string number_of(const Path& device) {
  struct stat found {};
  if (::stat(device.c_str(), &found) != 0 || !S_ISBLK(found.st_mode)) return "";
  return fmt::format("{}:{}", major(found.st_rdev), minor(found.st_rdev));
}

}  // namespace

bool stands_on(const Path& mapped, const Path& below) {
  const std::string above = number_of(mapped);
  const std::string wanted = number_of(below);
  const Path slaves = Path("/sys/dev/block") / above / "slaves";
  boost::system::error_code none;
  if (above.empty() || wanted.empty() || !boost::filesystem::is_directory(slaves, none)) return false;
  for (const auto& slave : boost::filesystem::directory_iterator(slaves)) {
    if (read_small_file(slave.path() / "dev").value_or("") == wanted + "\n") return true;
  }
  return false;
}

bool is_mapped_device_open(const std::string& name) {
  const UniqueFd control = open_file("/dev/mapper/control", O_RDWR);
  dm_ioctl status{};
  status.version[0] = DM_VERSION_MAJOR;  // of any minor: what is asked is as old as the interface
  status.data_size = sizeof status;
  if (name.size() >= sizeof status.name) return false;
  std::memcpy(status.name, name.data(), name.size());
  if (::ioctl(control.get(), DM_DEV_STATUS, &status) == 0) return status.open_count > 0;
  const int error = errno;
  if (error == ENXIO) return false;
  throw Error::from_errno(error, "ask who uses device " + quote(name));
}

}  // namespace basecache::lvm
