#pragma once

#include <string>

#include "agent/base/path.hpp"

namespace basecache::lvm {

// Whether somebody has the device-mapper device of that name open: a guest, a mount, a device that stands on it. Asks
// device-mapper itself (linux/dm-ioctl.h), at the cost of a system call. False when there is no such device.
// Error when device-mapper can't be asked.
bool is_mapped_device_open(const std::string& name);

// Whether the device at `mapped`, one of device-mapper's, stands on the device at `below` (sysfs(5), slaves). Both may
// be links. False when either isn't there.
bool stands_on(const Path& mapped, const Path& below);

}  // namespace basecache::lvm
