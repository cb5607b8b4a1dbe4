#include "backends/lvm/mapped_device.hpp"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {

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
