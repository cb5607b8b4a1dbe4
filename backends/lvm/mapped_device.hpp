#pragma once

#include <string>

namespace basecache::lvm {

// Whether somebody has the device-mapper device of that name open: a guest, a mount, a device that stands on it. Asks
// device-mapper itself (linux/dm-ioctl.h), at the cost of a system call. False when there is no such device.
// Error when device-mapper can't be asked.
bool is_mapped_device_open(const std::string& name);

}  // namespace basecache::lvm
